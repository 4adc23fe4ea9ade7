"""How many threads BLAS may take: one for small steps, else as many as the user set.

A small product on several threads gains nothing on an idle machine, and on a busy one
it waits until the system has given each of its threads a turn. What else runs does not
count: a product's last bits depend on the number of threads, and the same
`random_state` is to give the same model tomorrow.

OpenBLAS, as numpy and scipy ship it, has one number of threads for the process. So the
steps of all Python threads share it: the first small step notes the user's number, and
the last to end gives it back. Meanwhile a large step beside them has one thread too.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import ContextDecorator, contextmanager
from ctypes import PYFUNCTYPE, c_int
from dataclasses import dataclass
from itertools import product

from threadpoolctl import ThreadpoolController

FLOPS_OF_SEVERAL_THREADS = 4e7
"""Floating-point operations of the largest product of a step from which on several
threads gain more than a tenth on an idle machine: ``benchmarks/bench_threads.py``. What
gains less is not worth what two threads lose on a busy one."""


@contextmanager
def blas_threads(flops):
    """Let BLAS have one thread within a block of small steps.

    Nothing is done for large steps, nor where no library is loaded whose number can be
    set. The number is never raised, and afterwards it is the user's again, whatever
    ends the block. A number that the user sets within the block stays, unless it is 1,
    which cannot be told from this function's.

    Parameters
    ----------
    flops : float
        Floating-point operations of the largest product of one step: 2 * m * n * k for
        an (m, k) matrix by a (k, n) matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_autoenc.threads import blas_threads
    >>> X, W = np.ones((20, 784)), np.ones((784, 500))
    >>> with blas_threads(2 * 20 * 784 * 500):
    ...     (X @ W).shape
    (20, 500)
    """
    if flops >= FLOPS_OF_SEVERAL_THREADS:
        yield
        return
    step, own = object(), THREAD.hold
    try:
        try:
            begin(step, own)
            yield
        finally:
            end(step, own)
    finally:
        if step in PROCESS.steps or step in own.steps:  # Ctrl-C came within the first
            end(step, own)


@dataclass(frozen=True, eq=False)
class Library:
    """A BLAS library in memory."""

    get_number: Callable
    """``get_number()`` -> its number of threads."""
    set_number: Callable
    """``set_number(number)``."""


class Hold:
    """Libraries held at one thread until the last of the steps that need it has ended.

    A method that is interrupted at any line may be called again.
    """

    def __init__(self, libraries):
        self.libraries = libraries
        self.steps = {}
        """Step -> its Python thread."""
        self.numbers = {}
        """Library -> the user's number."""

    def begin(self, step):
        """Hold the libraries for a step."""
        if not self.libraries:
            return
        self.steps[step] = threading.get_ident()
        for library in self.libraries:
            if library not in self.numbers:
                number = self.numbers[library] = library.get_number()
                if number > 1:
                    library.set_number(1)

    def end(self, step):
        """Give the user's numbers back if no other step goes on."""
        if step not in self.steps:
            return
        if len(self.steps) == 1:
            for library, number in self.numbers.items():
                # Where it is not 1, the user has set another number meanwhile.
                if number > 1 and library.get_number() == 1:
                    library.set_number(number)
            self.numbers.clear()
        del self.steps[step]


class ThreadHold(threading.local):
    """The hold of each Python thread on libraries with a number for each."""

    def __init__(self):
        self.hold = Hold(OF_THREAD)


LOCK = threading.RLock()
"""Guards all below. Reentrant: a signal's handler may encode something too."""
OF_PROCESS: list[Library] = []
OF_THREAD: list[Library] = []
"""Libraries with one number for the process, and with one for each Python thread."""
PROCESS = Hold(OF_PROCESS)
THREAD = ThreadHold()
paths_seen: set[str] = set()
n_modules_seen = 0


class Locked(ContextDecorator):
    """Runs a function with the lock, which no error at any of its lines leaves held."""

    __enter__ = LOCK.__enter__
    __exit__ = LOCK.__exit__


@Locked()
def begin(step, own):
    """Hold all libraries for a step; `own` is the hold of its Python thread."""
    if len(sys.modules) != n_modules_seen:
        find_libraries()
    PROCESS.begin(step)
    own.begin(step)


@Locked()
def end(step, own):
    """Let the libraries go that no other step needs."""
    own.end(step)
    PROCESS.end(step)


def find_libraries():
    """Look for BLAS libraries that came into memory with new modules."""
    global n_modules_seen
    n_modules = len(sys.modules)
    for controller in ThreadpoolController().lib_controllers:
        if controller.filepath in paths_seen or controller.user_api != "blas":
            continue
        # FlexiBLAS hands on to a library that is found by itself.
        if controller.internal_api != "flexiblas" and controller.num_threads:
            add_library(controller)
        paths_seen.add(controller.filepath)
    n_modules_seen = n_modules


def add_library(controller):
    """Add the library of one of threadpoolctl's controllers to those to hold.

    threadpoolctl lets one Python thread at a time set the number of the process, but
    here it is the last to end that must. So OpenBLAS's own functions are called, and
    without giving up the interpreter, which can take milliseconds to come back.
    """
    if controller.internal_api != "openblas" or controller.threading_layer == "openmp":
        functions = controller.get_num_threads, controller.set_num_threads
        OF_THREAD.append(Library(*functions))
        return
    for prefix, suffix in product(("", "scipy_"), ("", "64_", "_64")):
        name = f"{prefix}openblas_%s_num_threads{suffix}"
        try:
            functions = (
                PYFUNCTYPE(c_int)((name % "get", controller.dynlib)),
                PYFUNCTYPE(None, c_int)((name % "set", controller.dynlib)),
            )
        except AttributeError:  # another build's name
            continue
        OF_PROCESS.append(Library(*functions))
        return


def forget_other_threads():
    """End, in a forked child, the steps of the threads that it has not."""
    for step, thread in list(PROCESS.steps.items()):
        if thread != threading.get_ident():
            PROCESS.end(step)
    LOCK.release()


if hasattr(os, "register_at_fork"):
    # Held while forking, the lock is free in the child, and what it guards is whole.
    os.register_at_fork(
        before=LOCK.acquire,
        after_in_parent=LOCK.release,
        after_in_child=forget_other_threads,
    )
