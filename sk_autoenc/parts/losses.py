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

from sk_autoenc.parts.activations import ACTIVATIONS, HALF


class Loss(NamedTuple):
    """A loss function and the output activations that it is defined for."""

    evaluate: Callable
    output_activations: tuple[str, ...]
    """The first one is what ``output_activation="auto"`` chooses."""


LOG_2 = {
    np.dtype(dtype): np.log1p(np.ones((), dtype), out=np.empty((), dtype))
    for dtype in (np.float32, np.float64)
}
"""By dtype, as log1p gives it, so that the loss of a saturated unit is exactly 0."""


def cross_entropy(preactivation, target, activation, values, delta):
    """L = softplus(a) - x a for a logistic output z = s(a); dL/da = z - x.

    Equal to - x log z - (1 - x) log(1 - z), Eq. (3), but computed from the
    pre-activation: finite and right, to rounding of 1, for every a. With
    t = tanh(a / 2) it is max(a, 0) - x a - log(1 + |t|) + log 2, and z = (1 + t) / 2:
    one tanh serves both.
    """
    half = HALF[delta.dtype]
    half_preactivation = np.multiply(preactivation, half, out=delta)
    np.abs(half_preactivation, out=values)
    values += half_preactivation  # max(a, 0)
    preactivation *= target
    values -= preactivation
    t = np.tanh(half_preactivation, out=delta)
    np.abs(t, out=preactivation)
    values -= np.log1p(preactivation, out=preactivation)
    values += LOG_2[delta.dtype]
    delta *= half
    delta += half
    delta -= target  # Eq. (10), with the sign of a loss to minimise


def squared_error(preactivation, target, activation, values, delta):
    """L = (z - x)^2 / 2 for z = s(a); dL/da = (z - x) s'(a)."""
    reconstruction = activation.value(preactivation)
    slope = activation.slope(reconstruction, values)
    np.subtract(reconstruction, target, out=delta)
    residual_squared = np.multiply(delta, delta, out=preactivation)
    delta *= slope
    np.multiply(residual_squared, HALF[delta.dtype], out=values)


LOSSES = {
    "cross_entropy": Loss(cross_entropy, ("logistic",)),
    "squared_error": Loss(squared_error, tuple(ACTIVATIONS)),
}
