"""How many threads BLAS may take: one for small steps, for others as many as are free.

A small product on several threads gains nothing on an idle machine. Beside other
processes any product waits until the system has given each of its threads a turn, which
can take ten times as long as the product on one thread. So a step takes a thread for
each core that is idle when it begins, never more than the user set.

OpenBLAS, as numpy and scipy ship it, has one number of threads for the process. So the
steps of all Python threads share it: the first to begin notes the user's number, the
lowest wish holds, and the last to end gives the number back.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ContextDecorator, contextmanager
from ctypes import PYFUNCTYPE, c_int
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import inf

import joblib
from threadpoolctl import ThreadpoolController

FLOPS_OF_SEVERAL_THREADS = 1e7
"""Floating-point operations of the largest product of a step from which on several
threads pay where cores are idle: measured by ``benchmarks/bench_threads.py``."""
SECONDS_OF_SPINNING = 0.03
"""OpenBLAS's threads go on asking for work for about so long after a product."""


@contextmanager
def blas_threads(flops):
    """Let BLAS have as many threads, within a block, as a step of this size is worth.

    That is one for a small step, and for others one for each idle core. The number is
    never raised, and afterwards it is the user's again, whatever ends the block. A
    number that the user sets within the block stays, unless it is the one that is set
    here. Where no library is loaded whose number can be set, nothing is done.

    Parameters
    ----------
    flops : float
        Floating-point operations of the largest product of one step: 2 * m * n * k for
        an (m, k) matrix by a (k, n) matrix.

    See Also
    --------
    blas_threads_by_step : For many large steps.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_autoenc.threads import blas_threads
    >>> X, W = np.ones((20, 784)), np.ones((784, 500))
    >>> with blas_threads(2 * 20 * 784 * 500):
    ...     (X @ W).shape
    (20, 500)
    """
    global spinning
    large = flops >= FLOPS_OF_SEVERAL_THREADS
    n_threads = idle_cores() if large else 1
    step, own = object(), THREAD.hold
    try:
        try:
            begin(step, own, n_threads)
            yield
        finally:
            end(step, own)
    finally:
        if step in PROCESS.steps or step in own.steps:  # Ctrl-C came within the first
            end(step, own)
    if large:
        spinning = time.monotonic() + SECONDS_OF_SPINNING, n_threads - 1


@contextmanager
def blas_threads_by_step(function, flops):
    """Give a function whose every call is a step, to be called within the block.

    Small steps have one thread throughout the block. Before each of the others the
    number is chosen anew, since a run of them may last for hours.

    Parameters
    ----------
    function : callable
        One step.
    flops : float
        As for `blas_threads`.

    Yields
    ------
    callable
        Takes and returns what `function` does.
    """

    def step(*args, **kwargs):
        with blas_threads(flops):
            return function(*args, **kwargs)

    if flops >= FLOPS_OF_SEVERAL_THREADS:
        yield step
    else:
        with blas_threads(flops):
            yield function


def idle_cores():
    """Return how many cores this thread may take: itself, and those that are idle.

    Where the system does not tell how many threads are running now, all are idle.
    """
    until, n_spinning = spinning
    n_others = threads_running() - 1
    if time.monotonic() < until:
        n_others -= n_spinning
    of_machine, of_process = cores()
    return max(1, min(of_process, of_machine - max(0, n_others)))


def threads_running():
    """Return how many threads of all processes run or wait for a core; 1 if unknown."""
    try:
        file = os.open("/proc/loadavg", os.O_RDONLY)
    except OSError:
        return 1
    try:
        return int(os.read(file, 100).split()[3].partition(b"/")[0])
    finally:
        os.close(file)


@cache
def cores():
    """Return how many cores the machine has, and how many of them the process may use.

    A container's quota may be far below what BLAS takes for the number of cores.
    """
    return os.cpu_count(), joblib.cpu_count()


@dataclass(frozen=True, eq=False)
class Library:
    """A BLAS library in memory."""

    get_number: Callable
    """``get_number()`` -> its number of threads."""
    set_number: Callable
    """``set_number(number)``."""


class Hold:
    """Libraries held at the lowest number of threads that the present steps wish.

    A method that is interrupted at any line may be called again.
    """

    def __init__(self, libraries):
        self.libraries = libraries
        self.steps = {}
        """Step -> its Python thread, its wish."""
        self.numbers = {}
        """Library -> the user's number."""
        self.set_here = set()
        """The numbers set since the first step began."""

    def begin(self, step, n_threads):
        """Hold the libraries at so many threads for a step."""
        if self.libraries:
            self.steps[step] = threading.get_ident(), n_threads
            self.apply(min([wish for _, wish in self.steps.values()]))

    def end(self, step):
        """Raise the numbers to what the other steps wish, without one to the user's."""
        if step not in self.steps:
            return
        others = [wish for other, (_, wish) in self.steps.items() if other is not step]
        self.apply(min(others, default=inf))
        if not others:
            self.numbers.clear()
            self.set_here.clear()
        del self.steps[step]

    def apply(self, wish):
        """Set the numbers to a wish where the user's are not lower."""
        for library in self.libraries:
            present = library.get_number()
            number = self.numbers.setdefault(library, present)
            if present != number and present not in self.set_here:
                continue  # the user has set it meanwhile
            wanted = wish if wish < number else number
            if present != wanted:
                self.set_here.add(wanted)
                library.set_number(wanted)


class ThreadHold(threading.local):
    """The hold of each Python thread on libraries with a number for each."""

    def __init__(self):
        self.hold = Hold(OF_THREAD)


LOCK = threading.RLock()
"""Guards all below. Reentrant: a signal's handler may encode something too."""
OF_PROCESS, OF_THREAD = [], []
"""Libraries with one number for the process, and with one for each Python thread."""
PROCESS = Hold(OF_PROCESS)
THREAD = ThreadHold()
paths_seen = set()
n_modules_seen = 0
spinning = 0.0, 0
"""Until when, and how many, of BLAS's threads run on after the last large step."""


class Locked(ContextDecorator):
    """Runs a function with the lock, which no error at any of its lines leaves held."""

    __enter__ = LOCK.__enter__
    __exit__ = LOCK.__exit__


@Locked()
def begin(step, own, n_threads):
    """Hold all libraries for a step; `own` is the hold of its Python thread."""
    if len(sys.modules) != n_modules_seen:
        find_libraries()
    PROCESS.begin(step, n_threads)
    own.begin(step, n_threads)


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
    for step, (thread, _) in list(PROCESS.steps.items()):
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
