"""Solvers: they know a flat array of parameters and its gradient, no more.

To add one that steps by minibatches: write a class with the members of `SGD` that have
a docstring, and add a line to `SOLVERS`. One that needs all rows at once has those of
`LBFGS`.
"""

import copy
import math
from typing import Any

import numpy as np
import scipy.optimize

from sk_autoenc.parts.plain import kept_plain


@kept_plain(fields="all")
class LearningRate:
    """How long steps are: ``value``, which changes between epochs only.

    It starts at `learning_rate_init` and, by the name of its schedule, stays
    ("constant"), is `learning_rate_init` / (t + 1)^power_t after t samples
    ("invscaling"), is divided by 5 at each call of `slow_down` ("adaptive") or follows
    half a cosine to 0 at the end of the run ("cosine": Loshchilov, Hutter, ICLR 2017,
    Eq. (5), without restarts).
    """

    def __init__(self, settings):
        """Start at `learning_rate_init`; `settings` are those of a solver."""
        # Python numbers leave float32 alone, whatever a search hands over.
        self.init = float(settings.learning_rate_init)
        self.power_t = float(settings.power_t)
        self.schedule = settings.learning_rate
        self.value = self.init

    def begin_epoch(self, n_samples_seen, share_done):
        """Set the value for an epoch.

        Parameters
        ----------
        n_samples_seen : int
            Samples seen since the very first epoch.
        share_done : float
            The share of this run's epochs that is done, in [0, 1).
        """
        if self.schedule == "invscaling":
            self.value = self.init / (n_samples_seen + 1) ** self.power_t
        elif self.schedule == "cosine":
            self.value = self.init * (1 + math.cos(math.pi * share_done)) / 2

    @property
    def needs_all_epochs(self):
        """Whether the loss falls most at the end of a run: none is to stop before."""
        return self.schedule == "cosine"

    @property
    def can_slow_down(self):
        """Whether a loss that no longer falls calls for a smaller step, not the end."""
        return self.schedule == "adaptive" and self.value > 1e-6

    def slow_down(self):
        """Go on with a smaller step."""
        self.value /= 5.0


@kept_plain(fields="all")
class SGD:
    """Stochastic gradient descent: plain, with momentum, or Nesterov's momentum.

    Plain (``momentum=0``) is Eqs. (15)-(17): theta <- theta - rate * gradient, where
    the gradient is an average over the batch. With momentum, v <- momentum * v - rate *
    gradient and theta <- theta + v; Nesterov's form steps by momentum * v - rate *
    gradient with the new v (Sutskever, Martens, Dahl, Hinton, ICML 2013).
    """

    by_minibatches = True
    """Whether it steps by minibatches; else it needs all rows at every step."""
    moments = ("velocity",)
    """Its arrays of the parameters' shape."""

    def __init__(self, parameters, settings):
        """Start at rest.

        Parameters
        ----------
        parameters : ndarray of shape (n_parameters,)
            Only its shape and dtype matter here.
        settings : object
            Has the solver's settings as attributes, by scikit-learn's names: an
            estimator serves.
        """
        self.rate = LearningRate(settings)
        self.momentum = float(settings.momentum)
        self.nesterov = settings.nesterovs_momentum
        self.velocity = np.zeros_like(parameters) if self.momentum else None

    @property
    def gradient_scale(self):
        """What an objective is to multiply its gradient by.

        It can do so where that is cheap: while it writes it.
        """
        return -self.rate.value

    @property
    def only_adds(self):
        """Whether `step` adds the scaled gradient to the parameters, and no more.

        An objective may then add it itself while it makes it.
        """
        return not self.momentum

    def step(self, parameters, gradient):
        """Update `parameters` in place.

        Parameters
        ----------
        parameters : ndarray of shape (n_parameters,)
        gradient : ndarray of shape (n_parameters,)
            The gradient times `gradient_scale`. May be used as scratch.
        """
        if self.only_adds:
            parameters += gradient  # Eqs. (15)-(17)
            return
        self.velocity *= self.momentum
        self.velocity += gradient
        if self.nesterov:
            parameters += gradient
            parameters += np.multiply(self.velocity, self.momentum, out=gradient)
        else:
            parameters += self.velocity


@kept_plain(fields="all")
class Adam:
    """Adam (Kingma, Ba, ICLR 2015, algorithm 1 in the form of its section 2).

    With m and v the decaying means of the gradient and of its square, and t the number
    of steps: theta <- theta - rate_t * m / (sqrt(v) + epsilon), where
    rate_t = rate * sqrt(1 - beta_2^t) / (1 - beta_1^t).

    Kept is the decaying sum of what `step` gets, m / (1 - beta_1) * gradient_scale; its
    factor is one number a step. With the gradient scaled by sqrt(1 - beta_2), the
    decaying sum of squares is v itself. Two passes over all parameters are saved so.
    (To let the product add its gradient to the sum saves none: v needs the gradient
    alone, so the old sum must be kept and subtracted. Tried: 1.00 to 1.10 of the time.)

    With a `weight_decay` all parameters are multiplied by 1 - rate * weight_decay at
    each step, beside what the gradient does (Loshchilov, Hutter, ICLR 2019).
    """

    by_minibatches = True
    only_adds = False
    moments = ("sum", "mean_square")

    def __init__(self, parameters, settings, weight_decay=0.0):
        self.rate = LearningRate(settings)
        self.weight_decay = weight_decay
        self.beta_1 = float(settings.beta_1)
        self.beta_2 = float(settings.beta_2)
        self.epsilon = float(settings.epsilon)
        self.gradient_scale = (1 - self.beta_2) ** 0.5
        self.n_steps = 0
        self.sum = np.zeros_like(parameters)
        self.mean_square = np.zeros_like(parameters)

    def step(self, parameters, gradient):
        """Update `parameters` in place; `gradient` may be used as scratch."""
        self.n_steps += 1
        rate = self.rate.value * (
            (1 - self.beta_2**self.n_steps) ** 0.5 / (1 - self.beta_1**self.n_steps)
        )
        self.sum *= self.beta_1
        self.sum += gradient
        self.mean_square *= self.beta_2
        gradient *= gradient
        self.mean_square += gradient
        root = np.sqrt(self.mean_square, out=gradient)
        root += self.epsilon
        update = np.divide(self.sum, root, out=gradient)
        update *= rate * (1 - self.beta_1) / self.gradient_scale
        if self.weight_decay:
            parameters *= 1 - self.rate.value * self.weight_decay
        parameters -= update


ENTRIES_AT_A_TIME = 2**15
"""Of a table, that are stepped together: few enough for the cache."""


def step_where_touched(solver, parameters, gradient):
    """Step all parameters, but of their table only the rows that a gradient touches.

    The others keep their values and the solver's moments: a step costs what the batch
    does, not what the table does (as the "lazy" or "sparse" Adam of other libraries).

    Parameters
    ----------
    solver : SGD or Adam
    parameters, gradient : networks.parameters.FlatParameters
        With a `table`; `gradient.touched` is not None.
    """
    shape, n_dense = parameters.table.shape, parameters.dense.size
    dense = copy.copy(solver)
    tables = {}
    for name in solver.moments:
        moment = getattr(solver, name)
        tables[name] = moment[n_dense:].reshape(shape)
        setattr(dense, name, moment[:n_dense])
    dense.step(parameters.dense, gradient.dense)
    n_rows = max(1, ENTRIES_AT_A_TIME // shape[1])
    for start in range(0, len(gradient.touched), n_rows):
        rows = gradient.touched[start : start + n_rows]
        few = copy.copy(solver)
        for name, table in tables.items():
            setattr(few, name, table[rows])
        values = parameters.table[rows]
        few.step(values, gradient.table[rows])
        parameters.table[rows] = values
        for name, table in tables.items():
            table[rows] = getattr(few, name)
    counters = {k: v for k, v in vars(dense).items() if k not in solver.moments}
    vars(solver).update(counters)


class LBFGS:
    """L-BFGS-B of scipy, without bounds, on all rows at once.

    References
    ----------
    Byrd, Lu, Nocedal, Zhu, SIAM J. Sci. Comput. 16(5), 1995, 10.1137/0916069.
    """

    by_minibatches = False

    MAX_ITER_REACHED, LINE_SEARCH_FAILED = 1, 2
    """Statuses of scipy's other than success and a callback's wish."""

    def __init__(self, parameters, settings):
        """Keep the settings `max_iter` and `tol`."""
        self.max_iter = settings.max_iter
        self.tol = settings.tol
        self.first_value = None
        """Of the function, at the start: what values are measured in."""

    def minimise(self, value_and_gradient, start, end_iteration, n_done=0):
        """Minimise a function; end when no entry of its gradient is above a bound.

        The bound is tol / 10 times the function's value at `start`.

        Parameters
        ----------
        value_and_gradient : callable
            ``value_and_gradient(flat)`` -> (float, float64 array).
        start : float64 array of shape (n_parameters,)
        end_iteration : callable
            ``end_iteration(flat, value)`` after each iteration; True asks to stop.
        n_done : int, default=0
            Iterations that were made before, which count.

        Returns
        -------
        status : int
            `MAX_ITER_REACHED`, `LINE_SEARCH_FAILED` or another: success.
        """

        def in_first_values(flat):
            # scipy's own tolerance, too, suits values of about 1.
            value, gradient = value_and_gradient(flat)
            if self.first_value is None:
                is_scale = value > 0 and math.isfinite(value)
                self.first_value = value if is_scale else 1.0
            return value / self.first_value, gradient / self.first_value

        def callback(intermediate_result):
            value = intermediate_result.fun * self.first_value
            try:
                stop = end_iteration(intermediate_result.x, value)
            except StopIteration as error:  # scipy would take it for our wish to stop
                raise RuntimeError("a callback raised StopIteration") from error
            if stop:
                raise StopIteration

        return scipy.optimize.minimize(
            in_first_values,
            start,
            method="L-BFGS-B",
            jac=True,
            callback=callback,
            options={
                "maxiter": self.max_iter - n_done,
                "maxfun": np.inf,
                "gtol": self.tol / 10,
            },
        ).status


SOLVERS: dict[str, Any] = {"sgd": SGD, "adam": Adam, "lbfgs": LBFGS}
