"""What the estimators share: fit and partial_fit around the training loop.

The way of the data: `_problem` reads parameters and X and sets nothing; `minimise`
trains; the fitted attributes are assigned once, at one stroke, at the end. Whatever
fails or interrupts before that leaves the estimator as it was.
"""

import copy
import warnings
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sk_autoenc._compat import CallbackSupportMixin
from sk_autoenc._typing import Directory, FloatArray, IntArray, RandomState
from sk_autoenc.checkpoint import Checkpoint, name_of_run
from sk_autoenc.estimator import Estimator
from sk_autoenc.parts.corruptions import make_corruption
from sk_autoenc.parts.solvers import SOLVERS
from sk_autoenc.threads import blas_threads
from sk_autoenc.training import Plan, TrainingResult, minimise, permuted
from sk_autoenc.validation import (
    caller_level,
    count_held_out,
    resolve_batch_size,
)

Fitted = TypeVar("Fitted", bound=BaseEstimator)

VALIDATION_STREAM = 2**32 - 1
"""Names the random stream of early stopping, apart from those of the epochs."""


class Draws(NamedTuple):
    """Where the random numbers of a run come from.

    They depend on `random_state` and on how many samples were seen, so that the first
    call of `partial_fit` is the first epoch of `fit`.
    """

    entropy: list[int]
    n_samples_seen: int
    """Before this run."""
    rng: np.random.Generator
    """Of this run: initial weights, order of batches, corruption."""

    @classmethod
    def start(cls, random_state: RandomState) -> Self:
        """Begin a fit from scratch."""
        return cls.go_on(draw_entropy(random_state), 0)

    @classmethod
    def go_on(cls, entropy: list[int], n_samples_seen: int) -> Self:
        """Go on with a fit."""
        return cls(entropy, n_samples_seen, generator(entropy, n_samples_seen))


class Problem(NamedTuple):
    """What is to be trained: all that `fit` knows before the first step."""

    settings: SimpleNamespace
    """The estimator's parameters, checked, numbers as Python numbers; `max_iter` and
    `learning_rate_init` as numbers."""
    n_samples: int
    parameters: Any
    """To be updated in place; nobody else's."""
    objective: Any
    """``objective(parameters, rows, scale)``; see `objectives.Objective`."""
    make_corruption: Callable[[np.random.Generator], Any]
    """``make_corruption(rng)`` -> the corruption of training, with other draws."""
    draws: Draws
    flops: Callable[[float], float]
    """``flops(n_samples)`` -> floating-point operations of a step's largest product."""
    learned: dict[str, Any]
    """The fitted attributes that do not depend on training."""
    judge: Callable[[Any, IntArray], float] | None = None
    """``judge(parameters, rows)`` -> what decides when to stop, less is better, of
    held-out rows. None: their mean loss."""
    strata: NDArray[Any] | None = None
    """(n_samples,): what the held-out rows are to be like all in. None: by chance."""
    objective_of: Any = None
    """``objective_of(data, corruption)`` -> the objective of data that are checked: all
    or, where they lie in parts, some. None: they must not lie in parts."""
    facts: Any = None
    """What is known of all data, such as `row_facts.RowFacts`."""
    lengths: tuple[int, ...] = ()
    """Of the parts that the data lie in, if they do."""
    order: Any = permuted
    """The order of an epoch; see `training.Plan`."""
    way: str = "as a whole"
    """How the data are read; other ways have other random numbers."""

    def of(self, data: Any) -> Self:
        """Return the problem whose objective is of these data."""
        corruption = self.make_corruption(self.draws.rng)
        return self._replace(objective=self.objective_of(data, corruption))

    def held_out_loss(self, rows: IntArray) -> float:
        """Return the mean loss of held-out rows under one fixed corruption."""
        if self.judge is not None:
            return self.judge(self.parameters, rows)
        rng = generator(self.draws.entropy, VALIDATION_STREAM)
        objective = self.objective.corrupting(self.make_corruption(rng))
        return float(objective.losses(self.parameters, rows).mean(dtype=np.float64))


class BaseIterative(CallbackSupportMixin, Estimator):
    """An estimator trained by minibatches.

    A subclass has ``fit`` and ``partial_fit`` for their docstrings, which call `_fit`
    and `_partial_fit`, and

    - ``_problem(X, y, reset)`` -> `Problem`, which sets nothing on the estimator;
      `reset` starts afresh, else it goes on from the fitted model;
    - ``_parameter_attributes(parameters)`` -> dict of fitted attributes.

    One whose data may lie in parts has, in the place of `_problem`, what it is made of:

    - ``_settings(reset)`` -> the parameters, checked;
    - ``_read(X, reset)`` -> data that are checked, and the fitted attributes that are
      known by then;
    - ``_facts(settings, data)`` -> facts, which can be ``added`` to those of others;
    - ``_outline(settings, facts, learned, reset)`` -> `Problem` without an objective,
      with `objective_of`.
    """

    n_features_in_: int
    feature_names_in_: NDArray[np.object_]
    n_iter_: int
    t_: int
    loss_: float
    loss_curve_: list[float]
    validation_loss_curve_: list[float] | None
    best_loss_: float

    _settings: Callable[[bool], SimpleNamespace]
    _read: Callable[[Any, bool], tuple[Any, dict[str, Any]]]
    _facts: Callable[[SimpleNamespace, Any], Any]
    _outline: Callable[[SimpleNamespace, Any, dict[str, Any], bool], Problem]

    _part_of_another = ""
    """Says which part of an estimator this one is, if any, in front of its warnings.
    Ctrl-C then ends the whole."""

    def _problem(self, X: Any, y: object, reset: bool) -> Problem:
        settings = self._settings(reset)
        data, learned = self._read(X, reset)
        facts = self._facts(settings, data)
        return self._outline(settings, facts, learned, reset).of(data)

    def _fit(
        self, X: Any, y: object, checkpoint: Directory | None = None, **labels: Any
    ) -> Self:
        resume = self.warm_start and self.__sklearn_is_fitted__()
        problem = self._problem(X, y, reset=not resume, **labels)
        return self._train(problem, checkpoint, X, y, **labels)

    def _train(
        self,
        problem: Problem,
        directory: Directory | None = None,
        X: Any = None,
        y: object = None,
        **labels: Any,
    ) -> Self:
        checkpoint = None
        if directory is not None:
            checkpoint = Checkpoint(directory, name_of_run(self, problem, (y, labels)))
            if checkpoint.state is not None:  # random_state=None would draw anew
                entropy = checkpoint.state["entropy"]
                draws = problem.draws._replace(entropy=entropy)
                problem = problem._replace(draws=draws)
        max_iter = problem.settings.max_iter
        context = self._init_callback_context(max_subtasks=max_iter)
        solver = new_solver(problem)
        rows, held_out = split_rows(problem, solver)
        plan = make_plan(problem, len(rows), warn=solver.by_minibatches)._replace(
            callbacks=FitCallbacks(self, context, X, y, problem),
            validate=(
                None if held_out is None else partial(problem.held_out_loss, held_out)
            ),
            keep_interrupted=not self._part_of_another,
            checkpoint=checkpoint,
        )
        result = run(problem, rows, solver, plan)
        # Its moments, twice as long as the parameters, are for nothing else.
        kept = solver if hasattr(self, "partial_fit") else None
        adopt(self, self._learned(problem, result, kept))
        plan.callbacks.end_fit()
        warn_unless_converged(result, max_iter, self._part_of_another)
        return self

    def _partial_fit(self, X: Any, y: object = None) -> Self:
        fitted = self.__sklearn_is_fitted__()
        problem = self._problem(X, y, reset=not fitted)
        rows = np.arange(problem.n_samples)
        plan = make_plan(problem, len(rows), warn=False)._replace(max_iter=1)
        if fitted and type(self._solver) is SOLVERS[problem.settings.solver]:
            # It moves in place: an error must not leave it half-way, and joblib may
            # have mapped its arrays read-only.
            solver = copy.deepcopy(self._solver)
        else:
            solver = new_solver(problem)
        result = run(problem, rows, solver, plan)
        adopt(self, self._learned(problem, result, solver))
        return self

    def _draws(self, settings: SimpleNamespace, reset: bool) -> Draws:
        """Begin or go on with the random numbers of a fit."""
        if reset:
            return Draws.start(settings.random_state)
        return Draws.go_on(self._entropy, self.t_)

    def _learned(
        self, problem: Problem, result: TrainingResult, solver: Any = None
    ) -> dict[str, Any]:
        """Return the fitted attributes after a run of the loop, or in its midst."""
        before = problem.learned
        loss_curve = [*before.get("loss_curve_", []), *result.loss_curve]
        validation_curve = [
            *(before.get("validation_loss_curve_") or []),
            *result.validation_loss_curve,
        ]
        return {
            **before,
            **self._parameter_attributes(problem.parameters),
            "_entropy": problem.draws.entropy,
            "_solver": solver,
            "n_iter_": len(loss_curve),
            "t_": result.n_samples_seen,
            "loss_": loss_curve[-1],
            "loss_curve_": loss_curve,
            "validation_loss_curve_": validation_curve or None,
            "best_loss_": min(result.validation_loss_curve or result.loss_curve),
        }

    def _fitted_model(self) -> Self:
        """Return a shallow copy to read from, while others may go on training `self`.

        Raises
        ------
        NotFittedError
        """
        return fitted_copy(self)

    def __sklearn_is_fitted__(self) -> bool:
        return "n_iter_" in vars(self)

    def _fitted_state(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if is_fitted(name)}


def adopt(estimator: BaseEstimator, learned: dict[str, Any]) -> None:
    """Make these the fitted attributes of an estimator, and no others.

    One assignment: whoever reads in another thread, and an interrupt, find all of the
    old attributes or all of the new.
    """
    unfitted = {k: v for k, v in vars(estimator).items() if not is_fitted(k)}
    estimator.__dict__ = unfitted | learned


def fitted_copy(estimator: Fitted) -> Fitted:
    """Copy an estimator shallowly, to read from while others may fit it again.

    Raises
    ------
    NotFittedError
    """
    model = object.__new__(type(estimator))
    model.__dict__ = vars(estimator).copy()
    check_is_fitted(model)
    return model


def is_fitted(name: str) -> bool:
    """Tell whether an attribute of an estimator is a fitted one."""
    return (name.endswith("_") and not name.endswith("__")) or name in (
        "_entropy",
        "_solver",
        "_fitted_with",
        "_flat",
        "_encoding",
        "_filler",
        "_moments",
        "_search",
        "_target_ndim",
    )


def generator(entropy: list[int], stream: int) -> np.random.Generator:
    """Make the generator of one stream of a fit."""
    return np.random.Generator(np.random.SFC64([*entropy, stream]))


def new_solver(problem: Problem) -> Any:
    """Make a solver at rest."""
    return SOLVERS[problem.settings.solver](problem.parameters.flat, problem.settings)


def split_rows(problem: Problem, solver: Any) -> tuple[IntArray, IntArray | None]:
    """Return the rows to train on and those held out, or None."""
    settings, n_samples = problem.settings, problem.n_samples
    if not settings.early_stopping or not solver.by_minibatches:
        return np.arange(n_samples), None
    n_held_out = count_held_out(n_samples, settings.validation_fraction)
    rng = generator(problem.draws.entropy, VALIDATION_STREAM)
    order = rng.permutation(n_samples)
    if problem.strata is not None:  # then every so-maniest, in the order of the strata
        order = order[np.argsort(problem.strata[order], kind="stable")]
        place = ((np.arange(n_held_out) + 0.5) * n_samples / n_held_out).astype(int)
        order = np.concatenate([order[place], np.delete(order, place)])
    return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])


def make_plan(problem: Problem, n_rows: int, *, warn: bool) -> Plan:
    """Gather the settings of the loop."""
    settings, draws = problem.settings, problem.draws
    return Plan(
        batch_size=resolve_batch_size(settings.batch_size, n_rows, warn=warn),
        max_iter=settings.max_iter,
        shuffle=settings.shuffle,
        order=problem.order,
        tol=settings.tol,
        n_iter_no_change=settings.n_iter_no_change,
        verbose=bool(settings.verbose),
        rng=draws.rng,
        entropy=draws.entropy,
        n_samples_seen=draws.n_samples_seen,
    )


def run(problem: Problem, rows: IntArray, solver: Any, plan: Plan) -> TrainingResult:
    """Train, on as many BLAS threads as a step is worth."""
    n_rows = plan.batch_size if solver.by_minibatches else len(rows)
    with blas_threads(problem.flops(n_rows)):
        return minimise(problem.objective, problem.parameters, rows, solver, plan)


def corruption_maker(
    settings: SimpleNamespace,
    feature_range: tuple[FloatArray, FloatArray],
    groups: Any = None,
) -> partial[Any]:
    """Return ``make_corruption(rng)``, which pickles if the user's function does."""
    return partial(
        make_corruption,
        settings.corruption,
        settings.corruption_level,
        feature_range,
        groups=groups,
    )


class FitCallbacks:
    """Tells scikit-learn's callbacks where a fit is."""

    def __init__(
        self,
        estimator: BaseIterative,
        context: Any,
        X: Any,
        y: object,
        problem: Problem,
    ) -> None:
        self.estimator = estimator
        self.context = context
        self.problem = problem
        self.data = {"estimator": estimator, "X": X, "y": y}
        self.context.call_on_fit_task_begin(**self.data)

    def begin_epoch(self) -> None:
        """Call before an epoch."""
        self.epoch = self.context.subcontext(task_name="epoch")
        self.epoch.call_on_fit_task_begin(**self.data)

    def end_epoch(self, parameters: Any, result: TrainingResult) -> bool:
        """Call after an epoch; True asks to stop."""

        def state() -> dict[str, Any]:
            # Hooks get copies: the arrays go on changing.
            return copy.deepcopy(self.estimator._learned(self.problem, result))

        return self.epoch.call_on_fit_task_end(
            **self.data, reconstruction_attributes=state
        )

    def end_fit(self) -> None:
        """Call once the estimator is fitted."""
        self.context.call_on_fit_task_end(
            **self.data, reconstruction_attributes=self.estimator._fitted_state
        )


def steps_by_minibatches(estimator: BaseIterative) -> bool:
    """Refuse `partial_fit` to a solver that needs all rows at once."""
    solver = SOLVERS.get(estimator.solver)
    if solver is not None and not solver.by_minibatches:
        raise AttributeError(
            f"partial_fit steps by minibatches, but solver={estimator.solver!r} needs "
            "all rows at once. Use solver='adam' or 'sgd', or call fit."
        )
    return True


def warn_unless_converged(
    result: TrainingResult, max_iter: int, whose: str = ""
) -> None:
    """Warn a caller of `fit` about a run that ended without success."""
    curve = result.loss_curve
    # Noise alone does not lift all of the second half of many epochs, nor of a few so
    # high.
    rise = 2 if len(curve) >= 10 else 1000
    if min(curve[len(curve) // 2 :]) > rise * abs(curve[0]):
        problem = (
            f"The loss rose from {curve[0]:.3g} in the first epoch to {curve[-1]:.3g} "
            "in the last: training did not converge. Lower learning_rate_init or scale "
            "X."
        )
    elif result.stuck:
        problem = (
            "The line search of lbfgs failed before the gradient was as small as tol: "
            "rounding, or the kink of relu, may hide further progress. If the loss is "
            "not low enough, scale X, train in float64 or take a smooth activation; "
            "else raise tol."
        )
    elif result.ran_out:
        problem = (
            f"Maximum iterations ({max_iter}) reached and the training has not "
            "converged yet. Raise max_iter or tol."
        )
    else:
        return
    message = f"{whose}{problem}"
    warnings.warn(message, ConvergenceWarning, stacklevel=caller_level())


def draw_entropy(random_state: RandomState) -> list[int]:
    """Return integers to seed every stream of a fit with.

    ``None`` draws from the operating system, not from numpy's global generator, which
    is left untouched.
    """
    if random_state is None:
        return np.random.SeedSequence().generate_state(4).tolist()
    draws = check_random_state(random_state).randint(2**32, size=4, dtype=np.uint32)
    return draws.tolist()


def seeded(estimator: Any, rng: np.random.Generator) -> Any:
    """Clone an estimator, with a number for every `random_state` that is None."""
    model = clone(estimator)
    free = {
        name: int(rng.integers(2**31))
        for name, value in sorted(model.get_params().items(), key=lambda item: item[0])
        if value is None and name.split("__")[-1] == "random_state"
    }
    return model.set_params(**free)
