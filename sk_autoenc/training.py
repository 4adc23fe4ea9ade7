"""The training loop: shuffle, batches, curves, stopping, best parameters.

It knows an objective, ``objective(parameters, rows, scale, out) -> (mean value, scale *
gradient)``, whose gradient is of the same type as the parameters, and a solver, which
names the scale. It does not know what a row is.
"""

import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from sk_autoenc.parts.solvers import step_where_touched


class SilentCallbacks:
    """Callbacks with nobody listening."""

    def begin_epoch(self):
        """Call before an epoch."""

    def end_epoch(self, parameters, result):
        """Call after an epoch; True asks to stop."""
        return False


def permuted(rng, rows, shuffle):
    """Return rows in the order of an epoch."""
    return rng.permutation(rows) if shuffle else rows


class Plan(NamedTuple):
    """How to run through the rows, and when to stop."""

    batch_size: int
    max_iter: int
    shuffle: bool
    tol: float
    n_iter_no_change: int
    verbose: bool
    rng: np.random.Generator
    order: Callable = permuted
    """``order(rng, rows, shuffle)`` -> what an epoch asks the objective for."""
    entropy: list[int] | None = None
    """What the random numbers of the run follow from, for the checkpoint to keep."""
    n_samples_seen: int = 0
    """Samples seen before this run, which a learning rate schedule counts on."""
    rows_per_epoch: int | None = None
    """Rows that an epoch takes, chosen anew for each; None: all."""
    validate: Callable | None = None
    """``validate()`` -> present loss on held-out rows; it then decides stopping."""
    callbacks: Any = SilentCallbacks()
    """Told of every epoch; may stop the run."""
    checkpoint: Any = None
    """Keeps what is done so far, to go on from; see `Run`."""
    keep_interrupted: bool = True
    """Whether Ctrl-C ends the run with what is done so far, or is an exception."""


class Epoch(NamedTuple):
    """What is noted of an epoch, or of an iteration on all rows at once."""

    loss: float
    """Mean over the samples of the epoch, measured while it ran."""
    validation_loss: float | None
    """Of the held-out rows, after it; None without any."""
    n_samples_seen: int
    """Over all epochs, those before this run included."""

    @property
    def monitored(self):
        """The value that decides when to stop."""
        return self.loss if self.validation_loss is None else self.validation_loss


@dataclass
class TrainingResult:
    """What a run of `minimise` has done so far."""

    n_samples_seen_before: int
    epochs: list[Epoch] = field(default_factory=list)
    """Replaced as a whole: an interrupt cannot leave curves of different lengths."""
    ran_out: bool = True
    """Whether max_iter ended the run too early; else it converged or reached the end
    of its schedule, or a callback or the user stopped it."""
    stuck: bool = False
    """Whether a line search failed before convergence."""

    @property
    def n_samples_seen(self):
        """Over all epochs, those before this run included."""
        return (
            self.epochs[-1].n_samples_seen
            if self.epochs
            else (self.n_samples_seen_before)
        )

    @property
    def loss_curve(self):
        """Mean loss of each epoch."""
        return [epoch.loss for epoch in self.epochs]

    @property
    def validation_loss_curve(self):
        """Held-out loss after each epoch; empty without held-out rows."""
        values = [epoch.validation_loss for epoch in self.epochs]
        return [value for value in values if value is not None]


class Progress:
    """Tells from the losses of the epochs whether they still fall.

    The mean of the last epochs is compared with the mean of as many before them: of
    `n_iter_no_change` epochs, or of a third of all, whichever is more. Such means
    hardly feel the noise of an epoch, the less the slower the progress that they are
    to show. `record` and `start_anew` act; the properties only tell.
    """

    def __init__(self, tol, n_iter_no_change):
        """Start without a loss; `tol` is relative to the loss."""
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.best = np.inf
        self.is_best = False
        """Whether the last loss is the lowest so far."""
        self.losses = []

    def record(self, loss):
        """Take the loss of an epoch."""
        self.is_best = loss < self.best
        self.best = min(self.best, loss)
        self.losses.append(loss)

    @property
    def is_over(self):
        """Whether it is time to stop or to change something."""
        n_epochs = max(self.n_iter_no_change, len(self.losses) // 3)
        if len(self.losses) < 2 * n_epochs:
            return False
        before, last = np.reshape(self.losses[-2 * n_epochs :], (2, -1)).mean(axis=1)
        return bool(before - last <= self.tol * abs(before))

    def start_anew(self):
        """Forget the losses but the best: another rate has another pace."""
        self.losses = []


@dataclass
class Run:
    """All that changes while a run goes on."""

    objective: Any
    parameters: Any
    solver: Any
    rng: np.random.Generator
    """Of the order of the rows."""
    result: TrainingResult
    progress: Progress | None = None
    best_parameters: np.ndarray | None = None
    """By held-out rows; None without any."""

    def save(self, plan, is_over):
        """Hand the state of the run to the checkpoint, if there is one."""
        if plan.checkpoint is None:
            return
        plan.checkpoint.save(
            {
                "flat": self.parameters.flat,
                "solver": vars(self.solver),
                # Often one and the same generator: so they are kept together.
                "draws": (self.rng, self.objective.draws),
                "result": vars(self.result),
                "progress": self.progress,
                "best_parameters": self.best_parameters,
                "entropy": plan.entropy,
                "is_over": is_over or len(self.result.epochs) >= plan.max_iter,
            }
        )

    def resume(self, checkpoint):
        """Go on from the state that was saved, if any; tell whether it was the last."""
        if checkpoint is None or checkpoint.state is None:
            return False
        state = checkpoint.state
        np.copyto(self.parameters.flat, state["flat"])
        vars(self.solver).update(state["solver"])
        self.rng, self.objective.draws = state["draws"]
        vars(self.result).update(state["result"])
        self.progress = state["progress"]
        self.best_parameters = state["best_parameters"]
        return state["is_over"]


class DivergenceError(ValueError):
    """The loss stopped being finite."""


def minimise(objective, parameters, rows, solver, plan):
    """Minimise an objective, updating `parameters` in place.

    Parameters
    ----------
    objective : callable
        ``objective(parameters, rows, scale=1.0, out=None) -> (mean value over rows,
        scale times its gradient, added to `out` unless None)``.
    parameters : object with an array `flat`
        Left at their final value, or at the best one when `plan.validate` is given.
    rows : ndarray of int of shape (n_rows,)
        The rows to train on.
    solver : object with the members of `parts.solvers.SGD` or `LBFGS`
        One that does not step by minibatches gets all rows at once: an iteration then
        counts as an epoch, and `plan` says nothing of batches and stopping.
    plan : Plan

    Returns
    -------
    TrainingResult

    Raises
    ------
    DivergenceError
        When the loss of an epoch, or a parameter after it, is not finite.
    """
    run = minimise_by_minibatches if solver.by_minibatches else minimise_at_once
    result = TrainingResult(plan.n_samples_seen)
    # A diverging run overflows on its way; `check_finite` reports it, once.
    with np.errstate(over="ignore", invalid="ignore"):
        run(objective, parameters, rows, solver, plan, result)
    return result


def minimise_by_minibatches(objective, parameters, rows, solver, plan, result):
    """Do what `minimise` does, writing into `result`."""
    run = Run(objective, parameters, solver, plan.rng, result)
    run.progress = Progress(plan.tol, plan.n_iter_no_change)
    result.ran_out = not solver.rate.needs_all_epochs
    is_over = run.resume(plan.checkpoint)
    plan, rate = plan._replace(rng=run.rng), solver.rate
    with kept_on_interrupt(result, plan.keep_interrupted):
        while not is_over and len(result.epochs) < plan.max_iter:
            number, progress = len(result.epochs) + 1, run.progress
            plan.callbacks.begin_epoch()
            began = time.perf_counter()
            rate.begin_epoch(result.n_samples_seen, (number - 1) / plan.max_iter)
            loss = run_epoch(objective, parameters, rows, solver, plan)
            check_finite(number, loss, parameters)
            held_out_loss = None
            if plan.validate:
                held_out_loss = plan.validate()
                check_finite(number, held_out_loss, parameters)
            n_rows = len(rows[: plan.rows_per_epoch])
            epoch = Epoch(loss, held_out_loss, result.n_samples_seen + n_rows)
            progress.record(epoch.monitored)
            best = run.best_parameters
            if progress.is_best and plan.validate:
                best = parameters.flat.copy()
            # One stroke: an interrupt comes before or after it.
            run.best_parameters, result.epochs = best, [*result.epochs, epoch]
            if plan.verbose:
                print_epoch(number, epoch, time.perf_counter() - began)
            stop = plan.callbacks.end_epoch(parameters, result)
            if progress.is_over and rate.can_slow_down:
                rate.slow_down()
                progress.start_anew()
            is_over = stop or (progress.is_over and not rate.needs_all_epochs)
            result.ran_out = not (is_over or rate.needs_all_epochs)
            run.save(plan, is_over)
    if run.best_parameters is not None:
        np.copyto(parameters.flat, run.best_parameters)
    check_finite(len(result.epochs), result.epochs[-1].loss, parameters)


def minimise_at_once(objective, parameters, rows, solver, plan, result):
    """Do what `minimise` does by a solver of all rows, writing into `result`."""
    run = Run(objective, parameters, solver, plan.rng, result)
    is_over = run.resume(plan.checkpoint)
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

    def end_iteration(flat, value):
        nonlocal began, solution
        np.copyto(parameters.flat, flat, casting="same_kind")
        number = len(result.epochs) + 1
        epoch = Epoch(float(value), None, result.n_samples_seen + len(rows))
        # One stroke: an interrupt comes before or after it.
        solution, result.epochs = flat.copy(), [*result.epochs, epoch]
        check_finite(number, epoch.loss, parameters, remedy)
        if plan.verbose:
            print_epoch(number, epoch, time.perf_counter() - began)
        began = None
        run.save(plan, is_over=False)
        return plan.callbacks.end_epoch(parameters, result)

    if not is_over:
        with kept_on_interrupt(result, plan.keep_interrupted):
            n_done = len(result.epochs)
            status = solver.minimise(
                value_and_gradient, solution.copy(), end_iteration, n_done
            )
            result.ran_out = status == solver.MAX_ITER_REACHED
            result.stuck = status == solver.LINE_SEARCH_FAILED
            np.copyto(parameters.flat, solution, casting="same_kind")
            run.save(plan, is_over=True)
    np.copyto(parameters.flat, solution, casting="same_kind")
    if not result.epochs:  # not one step was made
        loss = float(objective(parameters, rows)[0])
        result.epochs.append(Epoch(loss, None, result.n_samples_seen))
    check_finite(len(result.epochs), result.epochs[-1].loss, parameters, remedy)


@contextmanager
def kept_on_interrupt(result, keep):
    """Let Ctrl-C end a run, with a warning, once there is an epoch to be kept."""
    try:
        yield
    except KeyboardInterrupt:
        if not (keep and result.epochs):
            raise
        warnings.warn("Training interrupted by user.", stacklevel=4)
        result.ran_out = False


def run_epoch(objective, parameters, rows, solver, plan):
    """Step once through all rows; return the mean loss over them."""
    order = plan.order(plan.rng, rows, plan.shuffle)[: plan.rows_per_epoch]
    scale = solver.gradient_scale  # it changes between epochs only
    total = 0.0
    flat, batch_size = parameters.flat, plan.batch_size
    out = parameters if solver.only_adds else None
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        value, gradient = objective(parameters, batch, scale, out)
        if out is not None:
            pass  # the objective has added the step
        elif gradient.touched is None:
            solver.step(flat, gradient.flat)
        else:
            step_where_touched(solver, parameters, gradient)
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


def print_epoch(number, epoch, seconds):
    """Print an epoch's number, loss and time."""
    line = f"Epoch {number}: loss {epoch.loss:.6g}"
    if epoch.validation_loss is not None:
        line += f", validation loss {epoch.validation_loss:.6g}"
    print(f"{line} ({seconds:.2f} s)")
