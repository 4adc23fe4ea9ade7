"""What the estimators share: fit and partial_fit around the minibatch loop."""

import copy
import warnings
from contextlib import contextmanager

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from sk_autoenc._compat import WRAPPER_FRAMES, CallbackSupportMixin
from sk_autoenc.parts.solvers import SOLVERS
from sk_autoenc.training import Plan, minimise, minimise_at_once
from sk_autoenc.validation import count_held_out, resolve_batch_size

VALIDATION_STREAM = 2**32 - 1
"""Names the random stream of early stopping, apart from those of the epochs."""


class BaseAutoencoder(
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    """An autoencoder trained by minibatches.

    A subclass has ``fit`` and ``partial_fit`` for their docstrings, which call `_fit`
    and `_partial_fit`, and

    - ``_check_parameters()``;
    - ``_check_training_data(X, reset)`` -> trusted data with a ``shape``;
    - ``_initial_parameters(data, rng)`` and ``_current_parameters()``, parameters that
      training may update in place;
    - ``_make_objective(data, parameters, rng)`` -> an object with the methods
      ``value_and_gradient(parameters, rows, scale)`` and
      ``validation_loss(parameters, rows, rng)``;
    - ``_parameter_attributes(parameters)`` -> dict of fitted attributes.
    """

    def _fit(self, X, y):
        self._check_parameters()
        context = self._init_callback_context(max_subtasks=self.max_iter)
        resume = self.warm_start and self.__sklearn_is_fitted__()
        unfitted = self._unfitted_state()
        if not resume:
            self._set_state(unfitted)
        with self._state_on_error(dict(vars(self))):
            data = self._check_training_data(X, reset=not resume)
        with self._state_on_error(unfitted):
            parameters, rng = self._start(data)
            objective = self._make_objective(data, parameters, rng)
            rows, held_out = self._split(data.shape[0])
            evaluate = objective.value_and_gradient
            whole = self.solver == "lbfgs"  # all rows at once, whatever batch_size
            plan = self._plan(rng, self.max_iter, len(rows), warn=not whole)._replace(
                callbacks=FitCallbacks(self, context, X, y),
                validate=held_out is not None
                and (lambda: self._validation_loss(objective, parameters, held_out)),
            )
            if whole:
                self._solver = None
                result = minimise_at_once(evaluate, parameters, rows, plan)
            else:
                self._solver = self._new_solver(parameters)
                result = minimise(evaluate, parameters, rows, self._solver, plan)
            self._set_state(vars(self) | self._learned(parameters, result))
            plan.callbacks.end_fit()
        warn_unless_converged(result, self.max_iter)
        return self

    def _partial_fit(self, X):
        self._check_parameters()
        fitted = self.__sklearn_is_fitted__()
        with self._state_on_error(dict(vars(self))):
            data = self._check_training_data(X, reset=not fitted)
            parameters, rng = self._start(data)
            evaluate = self._make_objective(data, parameters, rng).value_and_gradient
            rows = np.arange(data.shape[0])
            plan = self._plan(rng, 1, len(rows), warn=False)
            if fitted and isinstance(self._solver, SOLVERS[self.solver]):
                # Copied because a solver moves in place: an error must not leave it
                # half-way, and joblib may have mapped its arrays read-only.
                self._solver = copy.deepcopy(self._solver)
            else:
                self._solver = self._new_solver(parameters)
            result = minimise(evaluate, parameters, rows, self._solver, plan)
            self._set_state(vars(self) | self._learned(parameters, result))
        return self

    def _start(self, data):
        """Return parameters to start from and the generator of this run.

        The generator depends on `random_state` and on how many samples were seen, so
        that the first call of `partial_fit` is the first epoch of `fit`.
        """
        if self.__sklearn_is_fitted__():
            return self._current_parameters(), self._generator(self.t_)
        self._entropy = draw_entropy(self.random_state)
        self.t_ = 0
        rng = self._generator(0)
        return self._initial_parameters(data, rng), rng

    def _new_solver(self, parameters):
        """Make a solver; "invscaling" goes on from the samples already seen."""
        solver = SOLVERS[self.solver](parameters.flat, self)
        if self.t_:
            solver.end_epoch(self.t_)
        return solver

    def _generator(self, stream):
        return np.random.Generator(np.random.SFC64([*self._entropy, stream]))

    def _split(self, n_samples):
        """Return the rows to train on and those held out, or None."""
        if not self.early_stopping or self.solver == "lbfgs":
            return np.arange(n_samples), None
        n_held_out = count_held_out(n_samples, self.validation_fraction)
        order = self._generator(VALIDATION_STREAM).permutation(n_samples)
        return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])

    def _validation_loss(self, objective, parameters, held_out):
        """Return the loss on held-out rows under one fixed corruption."""
        rng = self._generator(VALIDATION_STREAM)
        return objective.validation_loss(parameters, held_out, rng)

    def _plan(self, rng, max_iter, n_rows, *, warn):
        """Gather the settings of the loop from the estimator's parameters."""
        return Plan(
            batch_size=resolve_batch_size(self.batch_size, n_rows, warn=warn),
            max_iter=max_iter,
            shuffle=self.shuffle,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            verbose=bool(self.verbose),
            rng=rng,
            n_samples_seen=self.t_,
        )

    def _learned(self, parameters, result):
        """Return the fitted attributes after a run of the loop, or in its midst."""
        loss_curve = [*getattr(self, "loss_curve_", []), *result.loss_curve]
        validation_curve = [
            *(getattr(self, "validation_loss_curve_", None) or []),
            *result.validation_loss_curve,
        ]
        return self._parameter_attributes(parameters) | {
            "n_iter_": len(loss_curve),
            "t_": result.n_samples_seen,
            "loss_": loss_curve[-1],
            "loss_curve_": loss_curve,
            "validation_loss_curve_": validation_curve or None,
            "best_loss_": min(result.validation_loss_curve or result.loss_curve),
        }

    def __sklearn_is_fitted__(self):
        return hasattr(self, "n_iter_")

    def _fitted_state(self):
        return {
            name: value
            for name, value in vars(self).items()
            if (name.endswith("_") and not name.endswith("__"))
            or name in ("_entropy", "_solver")
        }

    def _unfitted_state(self):
        return {
            name: value
            for name, value in vars(self).items()
            if name not in self._fitted_state()
        }

    def _set_state(self, state):
        vars(self).clear()
        vars(self).update(state)

    @contextmanager
    def _state_on_error(self, state):
        """Put the estimator into a state if the block fails: never half-fitted."""
        try:
            yield
        except BaseException:
            self._set_state(state)
            raise


class FitCallbacks:
    """Tells scikit-learn's callbacks where a fit is."""

    def __init__(self, estimator, context, X, y):
        self.estimator = estimator
        self.context = context
        self.data = {"estimator": estimator, "X": X, "y": y}
        self.context.call_on_fit_task_begin(**self.data)

    def begin_epoch(self):
        """Call before an epoch."""
        self.epoch = self.context.subcontext(task_name="epoch")
        self.epoch.call_on_fit_task_begin(**self.data)

    def end_epoch(self, parameters, result):
        """Call after an epoch; True asks to stop."""

        def state():
            # Hooks get copies: the arrays go on changing.
            learned = self.estimator._learned(parameters, result)
            return self.estimator._fitted_state() | copy.deepcopy(learned)

        return self.epoch.call_on_fit_task_end(
            **self.data, reconstruction_attributes=state
        )

    def end_fit(self):
        """Call once the estimator is fitted."""
        self.context.call_on_fit_task_end(
            **self.data, reconstruction_attributes=self.estimator._fitted_state
        )


def warn_unless_converged(result, max_iter):
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
    warnings.warn(problem, ConvergenceWarning, stacklevel=4 + WRAPPER_FRAMES)


def draw_entropy(random_state):
    """Return integers to seed every stream of a fit with.

    ``None`` draws from the operating system, not from numpy's global generator, which
    is left untouched.
    """
    if random_state is None:
        return np.random.SeedSequence().generate_state(4).tolist()
    draws = check_random_state(random_state).randint(2**32, size=4, dtype=np.uint32)
    return draws.tolist()
