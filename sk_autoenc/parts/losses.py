"""Reconstruction losses, each ONE function that gives the values and their slope.

To add one: write the function and add a line to `LOSSES`. Every test of a loss runs
over that dict.

A loss function takes ``(preactivation, target, activation, values, delta)``, arrays of
shape (n_rows, n_features) and an `Activation`. It writes the loss of every entry into
`values`, dL/d(preactivation) of every entry into `delta`, and may overwrite
`preactivation` and `target`. Callers sum over features and average over rows.

numpy's operations go by name here, in the activations and in `networks.tied`: on ten
rows, operators and looking names up in `np` take some per cent of a step.
"""

from collections.abc import Callable
from typing import NamedTuple

from numpy import absolute, add, log, multiply, subtract, tanh

from sk_autoenc.parts.activations import ACTIVATIONS, HALF


class Loss(NamedTuple):
    """A loss function and the output activations that it is defined for."""

    evaluate: Callable
    output_activations: tuple[str, ...]
    """The first one is what ``output_activation="auto"`` chooses."""


def cross_entropy(preactivation, target, activation, values, delta):
    """L = softplus(a) - x a for a logistic output z = s(a); dL/da = z - x.

    Equal to - x log z - (1 - x) log(1 - z), Eq. (3), but computed from the
    pre-activation, as |a| / 2 - (x - 1/2) a - log(1/2 + |z - 1/2|): finite and right,
    to rounding of 1 + |a|, for every a. One tanh, z - 1/2 = tanh(a / 2) / 2, serves
    both.
    """
    half = HALF[delta.dtype]
    subtract(target, half, target)
    half_preactivation = multiply(preactivation, half, delta)
    absolute(half_preactivation, values)
    multiply(preactivation, target, preactivation)
    subtract(values, preactivation, values)
    tanh(half_preactivation, delta)
    multiply(delta, half, delta)  # z - 1/2
    absolute(delta, preactivation)
    add(preactivation, half, preactivation)
    log(preactivation, preactivation)
    subtract(values, preactivation, values)
    subtract(delta, target, delta)  # Eq. (10), with the sign of a loss to minimise


def squared_error(preactivation, target, activation, values, delta):
    """L = (z - x)^2 / 2 for z = s(a); dL/da = (z - x) s'(a)."""
    reconstruction = activation.value(preactivation)
    slope = activation.slope(reconstruction, values)
    residual = subtract(reconstruction, target, delta)
    residual_squared = multiply(residual, residual, preactivation)
    multiply(delta, slope, delta)
    multiply(residual_squared, HALF[delta.dtype], values)


LOSSES = {
    "cross_entropy": Loss(cross_entropy, ("logistic",)),
    "squared_error": Loss(squared_error, tuple(ACTIVATIONS)),
}
