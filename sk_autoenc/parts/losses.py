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

import numpy as np
from numpy import absolute, add, exp, log, maximum, multiply, subtract, tanh

from sk_autoenc.parts.activations import ACTIVATIONS, HALF


class Loss(NamedTuple):
    """A loss function and what it is defined for."""

    evaluate: Callable
    output_activations: tuple[str, ...]
    """The first one is what ``output_activation="auto"`` chooses."""
    target_range: tuple[float, float] = (-math.inf, math.inf)
    """Smallest and largest target that it is defined for."""
    output: Callable | None = None
    """``output(preactivation)`` overwrites it with the reconstruction and returns it.
    None: that is the output activation's value."""


def weigh(entry_weights, values, delta):
    """Multiply values and slope of an elementwise loss by weights, unless None.

    What has no weight counts for nothing, be it infinite.
    """
    if entry_weights is not None:
        is_nothing = entry_weights == 0
        for part in (values, delta):
            np.copyto(part, 0, where=is_nothing)
            multiply(part, entry_weights, part)


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
    weigh(entry_weights, values, delta)


def squared_error(preactivation_buffer, targets, entry_weights, activation, out):
    """L = (z - x)^2 / 2 for z = s(a); dL/da = (z - x) s'(a)."""
    values, delta = out
    reconstruction = activation.value(preactivation_buffer)
    slope = activation.slope(reconstruction, values)
    residual = subtract(reconstruction, targets, delta)
    residual_squared = multiply(residual, residual, preactivation_buffer)
    multiply(delta, slope, delta)
    multiply(residual_squared, HALF[delta.dtype], values)
    weigh(entry_weights, values, delta)


class MixedColumns:
    """The loss of rows that hold numbers, and after them categories.

    Numbers have the squared error (a - x)^2 / 2. A category is a block of columns, one
    for each of its levels, of which the target holds 1 in one: it has the cross-entropy
    of the softmax over its block, -log p_k for level k, with p_k = exp(a_k) / sum_l
    exp(a_l); dL/da_l = p_l - [l = k]. It is right, value and slope, for any targets and
    any weights: of sum_k w_k x_k (log sum_l exp(a_l) - a_k).

    Parameters
    ----------
    n_numbers : int
    n_levels : sequence of int
        Of each category, at least 1.
    """

    def __init__(self, n_numbers, n_levels):
        self.n_numbers = n_numbers
        self.block = np.repeat(np.arange(len(n_levels)), n_levels)
        """The category of each column after the numbers."""
        self.block_start = np.cumsum([0, *n_levels])[:-1]

    def __call__(self, preactivation_buffer, targets, entry_weights, activation, out):
        """Do what every loss function does; `activation` is that of the numbers."""
        n = self.n_numbers
        numbers, levels = np.s_[:, :n], np.s_[:, n:]
        arguments = preactivation_buffer, targets, entry_weights, *out
        if n:
            a, x, w, *results = (None if v is None else v[numbers] for v in arguments)
            squared_error(a, x, w, activation, results)
        if len(self.block):
            a, x, w, *results = (None if v is None else v[levels] for v in arguments)
            self._cross_entropy(a, x, w, results)

    def probabilities(self, preactivation):
        """Overwrite the levels' part of a with p, and return all."""
        if len(self.block):
            levels = preactivation[:, self.n_numbers :]
            total = self._exponentials(levels, levels)
            levels /= total[:, self.block]
        return preactivation

    def _exponentials(self, preactivation, out):
        """Scale a of each block so that its largest is 0; write exp(a); sum it."""
        highest = maximum.reduceat(preactivation, self.block_start, axis=1)
        preactivation -= highest[:, self.block]
        exp(preactivation, out)
        return add.reduceat(out, self.block_start, axis=1)

    def _cross_entropy(self, preactivation, targets, entry_weights, out):
        values, delta = out
        total = self._exponentials(preactivation, delta)
        weighted = targets
        if entry_weights is not None:
            weighted = multiply(targets, entry_weights, values)
        weight = add.reduceat(weighted, self.block_start, axis=1)  # sum_k w_k x_k
        delta *= (weight / total)[:, self.block]
        delta -= weighted
        preactivation -= log(total)[:, self.block]  # log p
        multiply(weighted, preactivation, values)
        np.negative(values, values)


class Segments:
    """A loss of rows whose parts, side by side, have a loss each.

    Parameters
    ----------
    parts : list of (slice, MixedColumns)
    """

    def __init__(self, parts):
        self.parts = parts

    def __call__(self, preactivation_buffer, targets, entry_weights, activation, out):
        """Do what every loss function does."""
        arguments = preactivation_buffer, targets, entry_weights, *out
        for place, part in self.parts:
            a, x, w, *results = (None if v is None else v[:, place] for v in arguments)
            part(a, x, w, activation, results)

    def probabilities(self, preactivation):
        """Overwrite the levels' parts of a with p, and return all."""
        for place, part in self.parts:
            part.probabilities(preactivation[:, place])
        return preactivation


def mixed_columns(n_numbers, n_levels):
    """Make the `Loss` of rows of numbers and categories; see `MixedColumns`."""
    loss = MixedColumns(n_numbers, n_levels)
    return Loss(loss, ("identity",), output=loss.probabilities)


def mixed_groups(width, is_category):
    """Make the `Loss` of groups of numbers and of levels of a category, in any order.

    Parameters
    ----------
    width : sequence of int
        Of each group, side by side.
    is_category : sequence of bool
        Whether a group is the levels of a category, and not so many numbers.
    """
    parts, start = [], 0
    n_numbers, n_levels = 0, []
    for wide, category in [*zip(width, is_category, strict=True), (0, False)]:
        if category:
            n_levels.append(wide)
        elif n_levels or not wide:  # numbers, with no levels before them, go on
            stop = start + n_numbers + sum(n_levels)
            parts.append((slice(start, stop), MixedColumns(n_numbers, n_levels)))
            start, n_numbers, n_levels = stop, wide, []
        else:
            n_numbers += wide
    loss = Segments(parts)
    return Loss(loss, ("identity",), output=loss.probabilities)


LOSSES = {
    "cross_entropy": Loss(cross_entropy, ("logistic",), (0.0, 1.0)),
    "squared_error": Loss(squared_error, tuple(ACTIVATIONS)),
}


def make_loss(name, layout=None):
    """Return the loss of a name; "mixed" is of groups.

    Parameters
    ----------
    name : str
    layout : tuple or None, default=None
        The arguments of `mixed_groups`.
    """
    return mixed_groups(*layout) if name == "mixed" else LOSSES[name]
