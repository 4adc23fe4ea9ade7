"""Time several functions in turn, so that a drift of the machine hits all alike."""

import time
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

from sk_autoenc.base import make_plan, new_solver
from sk_autoenc.training import run_epoch


def medians(functions, n_rounds=7, min_seconds=0.2):
    """Return the median seconds of each function, called alternately.

    Each turn begins with some calls that do not count: idle threads of the library that
    had the turn before go on spinning for up to 30 ms, and its data fill the caches.

    Parameters
    ----------
    functions : dict of str to callable
    n_rounds : int
    min_seconds : float
        A function is repeated within a round until it has taken about this long.
    """
    repeats = {}
    for name, function in functions.items():
        function()  # warm up
        seconds = timed(function, 1)
        repeats[name] = max(1, round(min_seconds / seconds))
    seconds = {name: [] for name in functions}
    for _ in range(n_rounds):
        for name, function in functions.items():
            timed(function, -(-repeats[name] // 4))
            seconds[name].append(timed(function, repeats[name]))
    return {name: median(values) for name, values in seconds.items()}


def timed(function, repeats):
    began = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - began) / repeats


def epoch_of(estimator, X):
    """Return the epoch that `fit` repeats, on data that it has validated."""
    return epoch_of_problem(estimator._problem(X, None, reset=True))


def epoch_of_problem(problem):
    """Return the epoch that training a `Problem` repeats."""
    solver = new_solver(problem)
    plan = make_plan(problem, problem.n_samples, warn=False)
    rows = np.arange(problem.n_samples)
    return lambda: run_epoch(problem.objective, problem.parameters, rows, solver, plan)


def at_threads(n_threads):
    """Limit numpy's and torch's products to so many threads within a block."""
    import torch

    torch.set_num_threads(n_threads)
    return threadpool_limits(n_threads)


def print_table(header, rows):
    """Print a Markdown table."""
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |", flush=True)
    print()
