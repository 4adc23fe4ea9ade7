"""Reconstruction losses, each ONE function that gives the values and their slope.

To add one: write the function and add a line to `LOSSES`. Every test of a loss runs
over that dict.

A loss function takes ``(preactivation_buffer, targets, entry_weights, activation,
out)``: arrays of shape (n_rows, n_features), but that `entry_weights` may be None for
all ones, and an `Activation`. `out` is a pair of such arrays. The function writes into
the first of them values whose sum over a row is the loss of the row, and into the
second dL/d(preactivation). What it makes of `preactivation_buffer` is its own affair.

numpy's operations go by name here, in the activations and in `networks.one_hidden`: on
ten rows, operators and looking names up in `np` tell.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from numpy import absolute, add, log, multiply, subtract, tanh

from sk_autoenc.parts.activations import ACTIVATIONS, HALF


class Loss(NamedTuple):
    """A loss function and what it is defined for."""

    evaluate: Callable
    output_activations: tuple[str, ...]
    """The first one is what ``output_activation="auto"`` chooses."""
    target_range: tuple[float, float] = (-math.inf, math.inf)
    """Smallest and largest target that it is defined for."""


def weigh(entry_weights, values, delta, out):
    """Multiply values and slope of an elementwise loss by weights, unless None."""
    if entry_weights is not None:
        multiply(values, entry_weights, out[0])
        multiply(delta, entry_weights, out[1])


def cross_entropy(preactivation_buffer, targets, entry_weights, activation, out):
    """L = softplus(a) - x a for a logistic output z = s(a); dL/da = z - x.

    Equal to - x log z - (1 - x) log(1 - z), Eq. (3), but computed from the
    pre-activation, as |a| / 2 + a / 2 - x a - log(1/2 + |z - 1/2|): finite and right,
    to rounding of 1 + |a|, for every a. One tanh, z - 1/2 = tanh(a / 2) / 2, serves
    both.
    """
    values, delta = out
    half = HALF[delta.dtype]
    half_preactivation = multiply(preactivation_buffer, half, delta)
    absolute(half_preactivation, values)
    add(values, half_preactivation, values)
    multiply(preactivation_buffer, targets, preactivation_buffer)
    subtract(values, preactivation_buffer, values)
    tanh(half_preactivation, delta)
    multiply(delta, half, delta)  # z - 1/2
    absolute(delta, preactivation_buffer)
    add(preactivation_buffer, half, preactivation_buffer)
    log(preactivation_buffer, preactivation_buffer)
    subtract(values, preactivation_buffer, values)
    add(delta, half, delta)
    subtract(delta, targets, delta)  # Eq. (10), with the sign of a loss to minimise
    weigh(entry_weights, values, delta, out)


def squared_error(preactivation_buffer, targets, entry_weights, activation, out):
    """L = (z - x)^2 / 2 for z = s(a); dL/da = (z - x) s'(a)."""
    values, delta = out
    reconstruction = activation.value(preactivation_buffer)
    slope = activation.slope(reconstruction, values)
    residual = subtract(reconstruction, targets, delta)
    residual_squared = multiply(residual, residual, preactivation_buffer)
    multiply(delta, slope, delta)
    multiply(residual_squared, HALF[delta.dtype], values)
    weigh(entry_weights, values, delta, out)


LOSSES = {
    "cross_entropy": Loss(cross_entropy, ("logistic",), (0.0, 1.0)),
    "squared_error": Loss(squared_error, tuple(ACTIVATIONS)),
}
