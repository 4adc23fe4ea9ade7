"""BLAS has one thread for small steps, and afterwards the user's number again."""

import os
import sys
import threading
import warnings
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
import scipy.linalg
from threadpoolctl import threadpool_info, threadpool_limits

from sk_autoenc import threads
from sk_autoenc.threads import blas_threads

SMALL, LARGE = 0, np.inf


class FakeLibrary:
    """A BLAS with one number for the process."""

    def __init__(self, number):
        self.number = number

    def get_number(self):
        return self.number

    def set_number(self, number):
        self.number = number


class FakeControllers:
    """What threadpoolctl finds, and how often it was asked."""

    def __init__(self, *controllers):
        self.lib_controllers = list(controllers)
        self.n_searches = 0

    def __call__(self):
        self.n_searches += 1
        return self


def controller(internal_api, path, number=4, user_api="blas"):
    """Make a controller of threadpoolctl for a library that is not there."""
    library = FakeLibrary(number)
    return SimpleNamespace(
        internal_api=internal_api,
        user_api=user_api,
        filepath=path,
        num_threads=number,
        get_num_threads=library.get_number,
        set_num_threads=library.set_number,
    )


@pytest.fixture
def library(monkeypatch):
    """The only library: its user set four threads."""
    fake = FakeLibrary(4)
    monkeypatch.setattr(threads, "PROCESS", threads.Hold([fake]))
    return fake


@pytest.fixture
def find(monkeypatch):
    """Let threadpoolctl find other libraries than those of this process."""

    def find(*controllers):
        found = FakeControllers(*controllers)
        of_process, of_thread = [], []
        monkeypatch.setattr(threads, "ThreadpoolController", found)
        monkeypatch.setattr(threads, "OF_PROCESS", of_process)
        monkeypatch.setattr(threads, "OF_THREAD", of_thread)
        monkeypatch.setattr(threads, "PROCESS", threads.Hold(of_process))
        monkeypatch.setattr(threads, "THREAD", threads.ThreadHold())
        monkeypatch.setattr(threads, "paths_seen", set())
        monkeypatch.setattr(threads, "n_modules_seen", 0)
        return found

    return find


def numbers():
    """Return the numbers of threads of all BLAS libraries of this process."""
    return [
        lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"
    ]


# One step


def test_a_small_step_has_one_thread_in_numpy_and_scipy_and_gives_them_back():
    scipy.linalg.norm(np.ones(3))
    with threadpool_limits(2):
        with blas_threads(SMALL):
            assert set(numbers()) == {1}
        assert set(numbers()) == {2}


def test_a_large_step_has_the_users_number(library):
    with blas_threads(LARGE):
        assert library.number == 4


@pytest.mark.parametrize("flops", [SMALL, LARGE])
@pytest.mark.parametrize("number", [1, 2])
def test_a_step_never_has_more_threads_than_the_user_set(library, flops, number):
    library.number = number
    with blas_threads(flops):
        assert library.number <= number
    assert library.number == number


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_the_users_number_is_back_after_an_error(library, error):
    with pytest.raises(error), blas_threads(SMALL):
        raise error
    assert library.number == 4
    assert not threads.PROCESS.steps


def lines_run(function):
    """Count the lines of threads.py that a call runs."""
    return interrupt_at(function, None)


def interrupt_at(function, line):
    """Call a function; raise KeyboardInterrupt before the n-th line of threads.py."""
    n_lines = 0

    def trace(frame, event, arg):
        nonlocal n_lines
        if frame.f_code.co_filename != threads.__file__:
            return None
        if event == "line":
            n_lines += 1
            if n_lines == line:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return n_lines


def test_an_interrupt_at_any_line_leaves_the_users_number(library):
    def step():
        with blas_threads(SMALL):
            pass

    n_lines = lines_run(step)
    assert n_lines > 20
    for line in range(1, n_lines + 1):
        with pytest.raises(KeyboardInterrupt):
            interrupt_at(step, line)
        assert library.number == 4, line
        assert not threads.PROCESS.steps, line
        InThread(SMALL).begin().end()
        assert library.number == 4, line


# Steps within steps


@pytest.mark.parametrize("outer", [SMALL, LARGE])
@pytest.mark.parametrize("inner", [SMALL, LARGE])
def test_the_smallest_of_nested_steps_decides(library, outer, inner):
    with blas_threads(outer):
        before = library.number
        with blas_threads(inner):
            assert library.number == (4 if outer == inner == LARGE else 1)
        assert library.number == before
    assert library.number == 4


def test_a_number_that_the_user_sets_within_a_step_stays(library):
    with blas_threads(SMALL):
        library.number = 3
        with blas_threads(SMALL):
            assert library.number == 3
        assert library.number == 3
    assert library.number == 3


def test_a_limit_of_the_user_within_a_step_ends_with_it():
    with threadpool_limits(3):
        with blas_threads(SMALL):
            with threadpool_limits(2):
                assert set(numbers()) == {2}
            assert set(numbers()) == {1}
        assert set(numbers()) == {3}


# Several Python threads and processes


class InThread:
    """A step of another Python thread, which begins and ends when it is told to."""

    def __init__(self, flops):
        self.flops = flops
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        with blas_threads(self.flops):
            self.begun.set()
            assert self.may_end.wait(10)

    def begin(self):
        self.thread.start()
        assert self.begun.wait(10)
        return self

    def end(self):
        self.may_end.set()
        self.thread.join()


@pytest.mark.parametrize("first_to_end", [0, 1])
def test_the_last_of_two_threads_to_end_gives_the_number_back(library, first_to_end):
    steps = [InThread(SMALL).begin(), InThread(SMALL).begin()]
    assert library.number == 1
    steps.pop(first_to_end).end()
    assert library.number == 1
    steps.pop().end()
    assert library.number == 4


def test_a_small_step_beside_a_large_one_holds_while_it_lasts(library):
    large = InThread(LARGE).begin()
    assert library.number == 4
    small = InThread(SMALL).begin()
    assert library.number == 1
    small.end()
    assert library.number == 4
    large.end()
    assert library.number == 4


def test_the_last_thread_gives_real_libraries_their_number_back():
    with threadpool_limits(2):
        first, second = InThread(SMALL).begin(), InThread(SMALL).begin()
        assert set(numbers()) == {1}
        first.end()
        second.end()
        assert set(numbers()) == {2}


def test_many_threads_at_once_leave_the_users_number(library):
    barrier = threading.Barrier(8)

    def run():
        barrier.wait(10)
        for _ in range(50):
            with blas_threads(SMALL):
                assert library.number == 1

    joblib.Parallel(8, "threading")(joblib.delayed(run)() for _ in range(8))
    assert library.number == 4
    assert not threads.PROCESS.steps


def numbers_around_a_step():
    """Return the numbers before, within and after a small step."""
    before = numbers()
    with blas_threads(SMALL):
        within = numbers()
    return before, within, numbers()


def test_worker_processes_of_joblib_keep_their_limit():
    with joblib.parallel_config("loky", inner_max_num_threads=2):
        results = joblib.Parallel(2)(
            joblib.delayed(numbers_around_a_step)() for _ in range(2)
        )
    for before, within, after in results:
        assert set(before) == {2}
        assert set(within) == {1}
        assert after == before


def in_fork(check):
    """Return whether a check succeeds in a forked child."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there are threads
        child = os.fork()
    if not child:
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@forks
def test_a_forked_child_ends_the_steps_of_threads_that_it_has_not(library):
    step = InThread(SMALL).begin()
    assert in_fork(lambda: library.number == 4 and not threads.PROCESS.steps)
    assert library.number == 1
    step.end()
    assert library.number == 4


@forks
def test_a_child_forked_within_a_step_ends_it_like_its_parent(library):
    with blas_threads(SMALL):
        assert in_fork(lambda: library.number == 1 and len(threads.PROCESS.steps) == 1)
    assert library.number == 4


@forks
def test_a_forked_child_inherits_no_held_lock(library):
    stop = threading.Event()

    def run():
        while not stop.is_set():
            with blas_threads(SMALL):
                pass

    def can_step():
        with blas_threads(SMALL):
            return library.number == 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert all(in_fork(can_step) for _ in range(10))
    finally:
        stop.set()
        thread.join()


# Libraries


def test_libraries_are_searched_for_after_imports_only(find, monkeypatch):
    found = find(controller("mkl", "a"))
    for _ in range(100):
        with blas_threads(SMALL):
            pass
    assert found.n_searches == 1
    later = controller("mkl", "b")
    found.lib_controllers.append(later)
    monkeypatch.setitem(sys.modules, "sk_autoenc_test_module", threads)
    with blas_threads(SMALL):
        assert later.get_num_threads() == 1
    assert later.get_num_threads() == 4
    assert found.n_searches == 2


def test_without_a_library_that_is_known_nothing_is_done(find):
    openmp = controller("openmp", "a", user_api="openmp")
    find(openmp)
    with blas_threads(SMALL):
        assert openmp.get_num_threads() == 4


def test_a_library_without_a_number_is_left_alone(find):
    find(controller("openblas", "a", number=None))
    with blas_threads(SMALL):
        assert not threads.PROCESS.steps


def test_flexiblas_is_left_to_the_library_behind_it(find):
    flexiblas = controller("flexiblas", "a")
    find(flexiblas)
    with blas_threads(SMALL):
        assert flexiblas.get_num_threads() == 4


def test_a_library_with_a_number_for_each_thread_is_set_in_each(find):
    mine = threading.local()

    def get_number():
        return getattr(mine, "number", 4)

    def set_number(number):
        mine.number = number

    mkl = controller("mkl", "a")
    mkl.get_num_threads, mkl.set_num_threads = get_number, set_number
    find(mkl)
    seen = []

    def run():
        with blas_threads(SMALL):
            seen.append(get_number())
        seen.append(get_number())

    with blas_threads(SMALL):
        assert get_number() == 1
        other = threading.Thread(target=run)
        other.start()
        other.join()
    assert seen == [1, 4]
    assert get_number() == 4
