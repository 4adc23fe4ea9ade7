"""Reconstruction losses, each ONE function that gives the values and their slope.

To add one: write the function and add a line to `LOSSES`. Every test of a loss runs
over that dict.

A loss function takes ``(preactivation, target, activation, values, delta)``, arrays of
shape (n_rows, n_features) and an `Activation`. It writes the loss of every entry into
`values`, dL/d(preactivation) of every entry into `delta`, and may overwrite
`preactivation`. Callers sum over features and average over rows.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sk_autoenc.parts.activations import ACTIVATIONS, logistic


class Loss(NamedTuple):
    """A loss function and the output activations that it is defined for."""

    evaluate: Callable
    output_activations: tuple[str, ...]
    """The first one is what ``output_activation="auto"`` chooses."""


def cross_entropy(preactivation, target, activation, values, delta):
    """L = softplus(a) - x a for a logistic output z = s(a); dL/da = z - x.

    Equal to - x log z - (1 - x) log(1 - z), Eq. (3), but computed from the
    pre-activation: finite and right for every a. The parts come from
    softplus(a) = max(a, 0) - log s(|a|), and s(|a|) = 1/2 + |z - 1/2|.
    """
    np.abs(preactivation, out=values)
    values += preactivation
    values *= 0.5  # max(a, 0), faster than numpy.maximum against a scalar
    np.multiply(preactivation, target, out=delta)
    values -= delta
    np.copyto(delta, preactivation)
    logistic(delta)
    np.subtract(delta, 0.5, out=preactivation)
    np.abs(preactivation, out=preactivation)
    preactivation += 0.5
    np.log(preactivation, out=preactivation)
    values -= preactivation
    delta -= target  # Eq. (10), with the sign of a loss to minimise


def squared_error(preactivation, target, activation, values, delta):
    """L = (z - x)^2 / 2 for z = s(a); dL/da = (z - x) s'(a)."""
    reconstruction = activation.value(preactivation)
    slope = activation.slope(reconstruction, values)
    np.subtract(reconstruction, target, out=delta)
    residual_squared = np.multiply(delta, delta, out=preactivation)
    delta *= slope
    np.multiply(residual_squared, 0.5, out=values)


LOSSES = {
    "cross_entropy": Loss(cross_entropy, ("logistic",)),
    "squared_error": Loss(squared_error, tuple(ACTIVATIONS)),
}
