"""A denoising autoencoder the slow way: one sample, one unit, one equation at a time.

Straight from Eqs. (1)-(17) for the mean over samples, with nothing in common with the
package. As in the note, L = -loss is maximised and a step goes uphill.
"""

import math
from typing import NamedTuple

import numpy as np


def logistic(a):
    return 1 / (1 + math.exp(-a)) if a > 0 else math.exp(a) / (1 + math.exp(a))


FUNCTIONS = {
    "identity": (lambda a: a, lambda a: 1.0),
    "logistic": (logistic, lambda a: logistic(a) * logistic(-a)),
    "tanh": (math.tanh, lambda a: 1 - math.tanh(a) ** 2),
    "relu": (lambda a: max(a, 0.0), lambda a: float(a > 0)),
}
"""By name: s(a) and s'(a)."""


def apply(function, values):
    return np.array([function(value) for value in values])


class Oracle(NamedTuple):
    """Parameters and names; without a `decoder` the weights are tied."""

    weights: np.ndarray
    intercept_hidden: np.ndarray
    intercept_visible: np.ndarray
    decoder: np.ndarray | None = None
    activation: str = "logistic"
    output_activation: str = "logistic"
    loss: str = "cross_entropy"
    alpha: float = 0.0

    @property
    def tied(self):
        return self.decoder is None

    @property
    def decoder_weights(self):
        """The transpose of W', (h, d); Eq. (2) when tied."""
        return self.weights if self.tied else self.decoder

    def preactivations(self, inputs):
        """h1 and h2 of one sample: Eqs. (4) and (5)."""
        hidden_function, _ = FUNCTIONS[self.activation]
        h1 = self.weights @ inputs + self.intercept_hidden
        hidden = apply(hidden_function, h1)
        return h1, self.decoder_weights.T @ hidden + self.intercept_visible

    def encode(self, inputs):
        """y: Eq. (1)."""
        return apply(FUNCTIONS[self.activation][0], self.preactivations(inputs)[0])

    def reconstruct(self, inputs):
        """z: Eq. (2)."""
        h1_h2 = self.preactivations(inputs)
        return apply(FUNCTIONS[self.output_activation][0], h1_h2[1])

    def entry_losses(self, clean, inputs):
        """The terms of the sum of Eq. (3), or of 1/2 ||z - x||^2."""
        reconstruction = self.reconstruct(inputs)
        if self.loss == "squared_error":
            return (reconstruction - clean) ** 2 / 2
        return -np.array(
            [
                x * math.log(z) + (1 - x) * math.log(1 - z)
                for x, z in zip(clean, reconstruction, strict=True)
            ]
        )

    def sample_gradient(self, clean, inputs, entry_weights):
        """dL/dtheta of one sample, L = -loss: Eqs. (10)-(14)."""
        h1, h2 = self.preactivations(inputs)
        hidden = self.encode(inputs)
        delta_visible = (clean - self.reconstruct(inputs)) * entry_weights  # (10)
        if self.loss == "squared_error":
            delta_visible *= apply(FUNCTIONS[self.output_activation][1], h2)
        slope = apply(FUNCTIONS[self.activation][1], h1)
        delta_hidden = (self.decoder_weights @ delta_visible) * slope  # (9, 11)
        encoder_term = np.outer(delta_hidden, inputs)  # (12), the first term
        decoder_term = np.outer(hidden, delta_visible)  # (12), the second term
        gradient = {
            "weights": encoder_term + decoder_term if self.tied else encoder_term,
            "intercept_hidden": delta_hidden,  # (13)
            "intercept_visible": delta_visible,  # (14)
        }
        if not self.tied:
            gradient["decoder"] = decoder_term
        return gradient

    def value_and_gradient(self, clean, corrupted, entry_weights=None):
        """Mean loss over rows plus penalty, and its gradient (downhill is minus it)."""
        if entry_weights is None:
            entry_weights = np.ones_like(clean)
        samples = list(zip(clean, corrupted, entry_weights, strict=True))
        value = sum((w * self.entry_losses(x, c)).sum() for x, c, w in samples)
        ascents = [self.sample_gradient(*sample) for sample in samples]
        value /= len(samples)
        gradient = {
            name: -sum(ascent[name] for ascent in ascents) / len(samples)
            for name in ascents[0]
        }
        for name in {"weights", "decoder"} & set(gradient):
            value += self.alpha / 2 * (getattr(self, name) ** 2).sum()
            gradient[name] = gradient[name] + self.alpha * getattr(self, name)
        return value, gradient

    def step(self, clean, corrupted, rate):
        """theta + (eps / N) sum_n dL_n/dtheta: Eqs. (15)-(17)."""
        _, gradient = self.value_and_gradient(clean, corrupted)
        return self._replace(
            **{name: getattr(self, name) - rate * gradient[name] for name in gradient}
        )

    @classmethod
    def of(cls, estimator):
        """The oracle with the parameters of a fitted DenoisingAutoencoder."""
        return cls(
            estimator.components_,
            estimator.intercept_hidden_,
            estimator.intercept_visible_,
            None if estimator.tied_weights else estimator.decoder_components_,
            estimator.activation,
            estimator.output_activation_,
            estimator.loss_name_,
            estimator.alpha,
        )
