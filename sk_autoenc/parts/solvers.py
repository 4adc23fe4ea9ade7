"""Stochastic solvers: they know a flat array of parameters and its gradient, no more.

To add one: write a class with the members of `SGD` that have a docstring, and add a
line to `SOLVERS`.
"""

import numpy as np


class SGD:
    """Stochastic gradient descent: plain, with momentum, or Nesterov's momentum.

    Plain (``momentum=0``) is Eqs. (15)-(17): theta <- theta - rate * gradient, where
    the gradient is an average over the batch. With momentum, v <- momentum * v - rate *
    gradient and theta <- theta + v; Nesterov's form steps by momentum * v - rate *
    gradient with the new v (Sutskever, Martens, Dahl, Hinton, ICML 2013).
    """

    default_learning_rate = 0.1
    """What ``learning_rate_init=None`` means."""

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
        rate = settings.learning_rate_init
        # Python numbers leave float32 alone, whatever a search hands over.
        self.learning_rate_init = float(
            self.default_learning_rate if rate is None else rate
        )
        self.learning_rate = self.learning_rate_init
        self.schedule = settings.learning_rate
        self.power_t = float(settings.power_t)
        self.momentum = float(settings.momentum)
        self.nesterov = settings.nesterovs_momentum
        self.velocity = np.zeros_like(parameters) if self.momentum else None

    @property
    def gradient_scale(self):
        """What an objective is to multiply its gradient by.

        It can do so where that is cheap: on the deltas of a batch, not on all weights.
        """
        return self.learning_rate

    def step(self, parameters, gradient):
        """Update `parameters` in place.

        Parameters
        ----------
        parameters : ndarray of shape (n_parameters,)
        gradient : ndarray of shape (n_parameters,)
            The gradient times `gradient_scale`. May be used as scratch.
        """
        if not self.momentum:
            parameters -= gradient  # Eqs. (15)-(17)
            return
        self.velocity *= self.momentum
        self.velocity -= gradient
        if self.nesterov:
            parameters -= gradient
            parameters += np.multiply(self.velocity, self.momentum, out=gradient)
        else:
            parameters += self.velocity

    def end_epoch(self, n_samples_seen):
        """Take note that `n_samples_seen` samples have been seen since the start."""
        if self.schedule == "invscaling":
            self.learning_rate = (
                self.learning_rate_init / (n_samples_seen + 1) ** self.power_t
            )

    def wants_to_stop(self):
        """Answer a loss that no longer falls: stop, or go on with a smaller step."""
        if self.schedule != "adaptive" or self.learning_rate <= 1e-6:
            return True
        self.learning_rate /= 5.0
        return False


class Adam:
    """Adam (Kingma, Ba, ICLR 2015, algorithm 1 in the form of its section 2).

    With m and v the decaying means of the gradient and of its square, and t the number
    of steps: theta <- theta - rate_t * m / (sqrt(v) + epsilon), where
    rate_t = rate * sqrt(1 - beta_2^t) / (1 - beta_1^t).

    Kept is the decaying sum of what `step` gets, m / (1 - beta_1) * gradient_scale; its
    factor is one number a step. With the gradient scaled by sqrt(1 - beta_2), the
    decaying sum of squares is v itself. Two passes over all parameters are saved so.
    """

    default_learning_rate = 0.001

    def __init__(self, parameters, settings):
        self.learning_rate = settings.learning_rate_init
        if self.learning_rate is None:
            self.learning_rate = self.default_learning_rate
        self.learning_rate = float(self.learning_rate)
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
        rate = self.learning_rate * (
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
        parameters -= update

    def end_epoch(self, n_samples_seen):
        """Adam has no schedule of its own."""

    def wants_to_stop(self):
        """Answer a loss that no longer falls: stop."""
        return True


SOLVERS = {"sgd": SGD, "adam": Adam}
