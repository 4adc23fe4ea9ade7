"""Objectives, solvers and listeners so simple that a run of the loop is foreseen."""

from typing import NamedTuple

import numpy as np

from sk_autoenc.training import Plan, minimise

ROWS = np.arange(10)


class Point(NamedTuple):
    flat: np.ndarray
    touched = None


class Bowl:
    """Mean over rows of (theta - target_row)^2 / 2, noting the rows it is asked for."""

    def __init__(self, targets):
        self.targets = np.asarray(targets, float)
        self.batches = []

    def __call__(self, parameters, rows, scale, out=None):
        self.batches.append(rows.copy())
        distance = parameters.flat[0] - self.targets[rows]
        gradient = Point(np.array([scale * distance.mean()]))
        return float((distance**2).mean() / 2), gradient


class Scripted:
    """Gives the values of a script, one an epoch, and no gradient."""

    def __init__(self, *values):
        self.values = iter(values)

    def __call__(self, parameters, rows, scale, out=None):
        value = next(self.values)
        if isinstance(value, BaseException):
            raise value
        return value, Point(np.zeros(1))


class Rate:
    """A constant rate that notes what it is told, and slows down some times."""

    def __init__(self, value=0.1, n_slower=0, needs_all_epochs=False):
        self.value, self.n_slower = value, n_slower
        self.needs_all_epochs = needs_all_epochs
        self.begun = []

    def begin_epoch(self, n_samples_seen, share_done):
        self.begun.append((n_samples_seen, share_done))

    @property
    def can_slow_down(self):
        return self.n_slower > 0

    def slow_down(self):
        self.n_slower -= 1


class Descent:
    """A solver that counts its steps."""

    by_minibatches = True
    only_adds = False

    def __init__(self, rate=0.1, **schedule):
        self.rate = Rate(rate, **schedule)
        self.n_steps = 0

    @property
    def gradient_scale(self):
        return self.rate.value

    def step(self, parameters, gradient):
        self.n_steps += 1
        parameters -= gradient


class Listener:
    """Callbacks that note what they are told, and ask to stop after an epoch."""

    def __init__(self, stop_after=None):
        self.stop_after, self.begun, self.ended = stop_after, 0, []

    def begin_epoch(self):
        self.begun += 1

    def end_epoch(self, parameters, result):
        self.ended.append((parameters.flat.copy(), list(result.loss_curve)))
        return len(self.ended) == self.stop_after


def make_plan(**changes):
    settings = {
        "batch_size": 10,
        "max_iter": 3,
        "shuffle": True,
        "tol": 0.0,
        "n_iter_no_change": 10,
        "verbose": False,
        "rng": np.random.default_rng(0),
    }
    return Plan(**settings | changes)


def run(objective, *, start=0.0, rows=ROWS, solver=None, **changes):
    """The result of a run, and the parameter that it left."""
    parameters = Point(np.array([start]))
    solver = Descent() if solver is None else solver
    result = minimise(objective, parameters, rows, solver, make_plan(**changes))
    return result, parameters.flat[0]
