"""Activation functions, each with its slope and its scale of initial weights.

To add one: write ``value``, ``slope`` and ``slope_of_square`` and add a line to
`ACTIVATIONS`. Every test of an activation runs over that dict.
"""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy import add, multiply, subtract

HALF, ONE = (
    {np.dtype(dtype): np.array(value, dtype) for dtype in (np.float32, np.float64)}
    for value in (0.5, 1.0)
)
"""Constants by dtype. An operation with an array of no dimensions takes half the call
overhead of one with a Python number, which tells in batches of a few rows. So does a
result passed by position instead of as ``out=``."""


class Activation(NamedTuple):
    """An elementwise function s, its slope and the spread of its initial weights."""

    value: Callable[[np.ndarray], np.ndarray]
    """``value(preactivation)`` overwrites its argument with s(a) and returns it."""
    slope: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """``slope(output, out)`` writes s'(a), in terms of the OUTPUT s(a), into `out`."""
    slope_of_square: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """``slope_of_square(output, out)`` writes d(s'(a)^2)/dy, in terms of the OUTPUT
    y = s(a), into `out`: for a penalty on slopes."""
    initial_scale: float
    """Initial weights are uniform in +- initial_scale sqrt(6 / (fan_in + fan_out))."""
    scaled: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    """``scaled(preactivation, slope)`` overwrites its first argument with s(a) and
    returns it, and `slope` with s'(a), each row of both divided by the same positive
    number: the row's greatest s(a) becomes about 1. For those who want the direction of
    a row and cannot do with s(a) that is right to rounding of 1. None: `value` will do.
    """


def identity(preactivation):
    """s(a) = a."""
    return preactivation


def identity_slope(output, out):
    """s'(a) = 1."""
    out.fill(1)
    return out


def no_slope_of_square(output, out):
    """d(s'^2)/dy = 0, of an s that is made of straight lines."""
    out.fill(0)
    return out


def logistic(preactivation):
    """s(a) = 1 / (1 + exp(-a)), as (1 + tanh(a / 2)) / 2.

    The tanh form needs no guard against overflow, and numpy's vectorised tanh makes
    it take half the time of the exp form. It is right to rounding of 1, not of s(a):
    see `scaled_logistic`.
    """
    half = HALF[preactivation.dtype]
    multiply(preactivation, half, preactivation)
    np.tanh(preactivation, preactivation)
    multiply(preactivation, half, preactivation)
    return add(preactivation, half, preactivation)


def logistic_slope(output, out):
    """s'(a) = y (1 - y)."""
    subtract(ONE[output.dtype], output, out)
    return multiply(out, output, out)


def logistic_slope_of_square(output, out):
    """d(s'^2)/dy = 2 y (1 - y) (1 - 2 y)."""
    return multiply(logistic_slope(output, out), 2 - 4 * output, out)


def scaled_logistic(preactivation, slope):
    """s(a) / c and s'(a) / c, where log c is about the row's max(min(a, 0)).

    s(a) = exp(min(a, 0)) / (1 + exp(-|a|)) and s'(a) = s(a) s(-a) are right to rounding
    of themselves, however small. Taking an integer for log c rounds nothing.
    """
    decay = np.exp(-np.abs(preactivation))
    np.copyto(slope, 1)
    np.copyto(slope, decay, where=preactivation > 0)  # exp(min(-a, 0))
    decay += 1
    value = np.minimum(preactivation, 0, out=preactivation)
    value -= np.ceil(value.max(axis=1, keepdims=True))
    np.exp(value, out=value)
    value /= decay
    slope /= decay
    slope *= value
    return value


def tanh(preactivation):
    """s(a) = tanh(a)."""
    return np.tanh(preactivation, preactivation)


def tanh_slope(output, out):
    """s'(a) = 1 - y^2."""
    multiply(output, output, out)
    return subtract(ONE[out.dtype], out, out)


def tanh_slope_of_square(output, out):
    """d(s'^2)/dy = -4 y (1 - y^2)."""
    return multiply(tanh_slope(output, out), -4 * output, out)


def relu(preactivation):
    """s(a) = max(a, 0)."""
    return np.maximum(preactivation, 0, out=preactivation)


def relu_slope(output, out):
    """s'(a) = 1 where a > 0, else 0 (the usual choice at the kink)."""
    return np.greater(output, 0, out)


ACTIVATIONS = {
    "identity": Activation(identity, identity_slope, no_slope_of_square, 1.0),
    "logistic": Activation(
        logistic, logistic_slope, logistic_slope_of_square, 4.0, scaled_logistic
    ),
    "tanh": Activation(tanh, tanh_slope, tanh_slope_of_square, 1.0),
    "relu": Activation(relu, relu_slope, no_slope_of_square, sqrt(2.0)),
}
