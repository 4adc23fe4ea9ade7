"""The minibatch loop: shuffle, batches, curves, stopping, best parameters.

It knows an objective, ``objective(parameters, rows, scale) -> (mean value, scale *
gradient)``, whose gradient is of the same NamedTuple type as the parameters, and a
solver, which names the scale. It does not know what a row is.
"""

import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import scipy.optimize

MAX_ITER_REACHED, LINE_SEARCH_FAILED = 1, 2
"""Statuses of scipy's L-BFGS-B other than success and a callback's wish."""


class SilentCallbacks:
    """Callbacks with nobody listening."""

    def begin_epoch(self):
        """Call before an epoch."""

    def end_epoch(self, parameters, result):
        """Call after an epoch; True asks to stop."""
        return False


class Plan(NamedTuple):
    """How to run through the rows, and when to stop."""

    batch_size: int
    max_iter: int
    shuffle: bool
    tol: float
    n_iter_no_change: int
    verbose: bool
    rng: np.random.Generator
    n_samples_seen: int = 0
    """Samples seen before this run, which a learning rate schedule counts on."""
    validate: Callable | None = None
    """``validate()`` -> present loss on held-out rows; it then decides stopping."""
    callbacks: "SilentCallbacks" = SilentCallbacks()
    """Told of every epoch; may stop the run."""


@dataclass
class TrainingResult:
    """What a run of `minimise` has done so far."""

    n_samples_seen: int
    """Over all epochs, those before this run included."""
    loss_curve: list[float] = field(default_factory=list)
    """Mean loss over the samples of each epoch, measured while it ran."""
    validation_loss_curve: list[float] = field(default_factory=list)
    """Held-out loss after each epoch; empty without `Plan.validate`."""
    ran_out: bool = True
    """Whether max_iter ended the run; else convergence, a callback or the user did."""
    stuck: bool = False
    """Whether a line search failed before convergence."""

    @property
    def monitored(self):
        """The last value of the curve that decides when to stop."""
        return (self.validation_loss_curve or self.loss_curve)[-1]


class Patience:
    """Counts epochs without progress."""

    def __init__(self, tol, n_iter_no_change):
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.best = np.inf
        self.n_without_progress = 0

    def improves(self, loss):
        """Take the loss of an epoch; tell whether it is the lowest so far."""
        lowest = loss < self.best
        no_progress = loss > self.best - self.tol
        self.n_without_progress = self.n_without_progress + 1 if no_progress else 0
        self.best = min(self.best, loss)
        return lowest

    def is_over(self):
        """Tell whether it is time to stop or to change something; then start anew."""
        over = self.n_without_progress > self.n_iter_no_change
        if over:
            self.n_without_progress = 0
        return over


class DivergenceError(ValueError):
    """The loss stopped being finite."""


def minimise(objective, parameters, rows, solver, plan):
    """Minimise an objective by minibatches, updating `parameters` in place.

    Parameters
    ----------
    objective : callable
        ``objective(parameters, rows, scale=1.0) -> (mean value over rows, scale times
        its gradient)``.
    parameters : NamedTuple with a field `flat`
        Left at their final value, or at the best one when `plan.validate` is given.
    rows : ndarray of int of shape (n_rows,)
        The rows to train on.
    solver : object with the members of `parts.solvers.SGD`
    plan : Plan

    Returns
    -------
    TrainingResult

    Raises
    ------
    DivergenceError
        When the loss of an epoch, or a parameter after it, is not finite.
    """
    result = TrainingResult(plan.n_samples_seen)
    patience = Patience(plan.tol, plan.n_iter_no_change)
    best_parameters = None
    with kept_on_interrupt(result):
        for epoch in range(1, plan.max_iter + 1):
            plan.callbacks.begin_epoch()
            began = time.perf_counter()
            # A diverging run overflows on its way; `check_finite` reports it, once.
            with np.errstate(over="ignore", invalid="ignore"):
                loss = run_epoch(objective, parameters, rows, solver, plan)
                check_finite(epoch, loss, parameters)
                if plan.validate:
                    held_out_loss = plan.validate()
                    check_finite(epoch, held_out_loss, parameters)
                    result.validation_loss_curve.append(held_out_loss)
            result.loss_curve.append(loss)
            result.n_samples_seen += len(rows)
            solver.end_epoch(result.n_samples_seen)
            if patience.improves(result.monitored) and plan.validate:
                best_parameters = parameters.flat.copy()
            if plan.verbose:
                print_epoch(epoch, result, time.perf_counter() - began)
            stop = plan.callbacks.end_epoch(parameters, result)
            if stop or (patience.is_over() and solver.wants_to_stop()):
                result.ran_out = False
                break
    if best_parameters is not None:
        np.copyto(parameters.flat, best_parameters)
    check_finite(len(result.loss_curve), result.loss_curve[-1], parameters)
    return result


def minimise_at_once(objective, parameters, rows, plan):
    """Minimise an objective by L-BFGS-B on all rows at once, updating `parameters`.

    Takes and returns what `minimise` does, without a solver. An iteration counts as an
    epoch; ``plan.tol`` bounds the largest entry of the projected gradient.

    References
    ----------
    Byrd, Lu, Nocedal, Zhu, SIAM J. Sci. Comput. 16(5), 1995, 10.1137/0916069.
    """
    result = TrainingResult(plan.n_samples_seen)
    solution = parameters.flat.astype(np.float64)
    began = None
    remedy = "Scale X"  # there is no rate to lower

    def value_and_gradient(flat):
        nonlocal began
        if began is None:
            plan.callbacks.begin_epoch()
            began = time.perf_counter()
        np.copyto(parameters.flat, flat, casting="same_kind")
        value, gradient = objective(parameters, rows)
        return value, gradient.flat.astype(np.float64)

    def end_iteration(intermediate_result):
        nonlocal began
        np.copyto(solution, intermediate_result.x)
        np.copyto(parameters.flat, solution, casting="same_kind")
        result.loss_curve.append(float(intermediate_result.fun))
        check_finite(len(result.loss_curve), result.loss_curve[-1], parameters, remedy)
        result.n_samples_seen += len(rows)
        if plan.verbose:
            print_epoch(len(result.loss_curve), result, time.perf_counter() - began)
        began = None
        if plan.callbacks.end_epoch(parameters, result):
            raise StopIteration

    with kept_on_interrupt(result), np.errstate(over="ignore", invalid="ignore"):
        found = scipy.optimize.minimize(
            value_and_gradient,
            solution.copy(),
            method="L-BFGS-B",
            jac=True,
            callback=end_iteration,
            options={"maxiter": plan.max_iter, "maxfun": np.inf, "gtol": plan.tol},
        )
        result.ran_out = found.status == MAX_ITER_REACHED
        result.stuck = found.status == LINE_SEARCH_FAILED
    np.copyto(parameters.flat, solution, casting="same_kind")
    if not result.loss_curve:  # not one step was made
        with np.errstate(over="ignore", invalid="ignore"):
            result.loss_curve.append(float(objective(parameters, rows)[0]))
    check_finite(len(result.loss_curve), result.loss_curve[-1], parameters, remedy)
    return result


@contextmanager
def kept_on_interrupt(result):
    """Let Ctrl-C end a run, with a warning, once an epoch of it is done."""
    try:
        yield
    except KeyboardInterrupt:
        if not result.loss_curve:
            raise
        warnings.warn("Training interrupted by user.", stacklevel=4)
        result.ran_out = False


def run_epoch(objective, parameters, rows, solver, plan):
    """Step once through all rows; return the mean loss over them."""
    order = plan.rng.permutation(rows) if plan.shuffle else rows
    scale = solver.gradient_scale  # it changes between epochs only
    total = 0.0
    flat, batch_size = parameters.flat, plan.batch_size
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        value, gradient = objective(parameters, batch, scale)
        solver.step(flat, gradient.flat)
        total += value * len(batch)
    return float(total / len(order))


def check_finite(epoch, loss, parameters, remedy="Lower learning_rate_init or scale X"):
    """Refuse to go on from a loss or parameters that are not finite."""
    if not (np.isfinite(loss) and np.isfinite(parameters.flat).all()):
        raise DivergenceError(
            f"Training diverged: in epoch {epoch} the loss ({loss}) or a parameter "
            f"stopped being finite. {remedy} (for instance with MinMaxScaler or "
            "StandardScaler; if X are trees, their leaf vectors)."
        )


def print_epoch(epoch, result, seconds):
    """Print an epoch's number, loss and time."""
    line = f"Epoch {epoch}: loss {result.loss_curve[-1]:.6g}"
    if result.validation_loss_curve:
        line += f", validation loss {result.validation_loss_curve[-1]:.6g}"
    print(f"{line} ({seconds:.2f} s)")
