"""Penalties on the hidden units of a layer: sparsity and contraction.

Both are functions of the codes of a batch. Equation numbers are those of
``doc/derivation.md``; rows are samples.
"""

from typing import NamedTuple

import numpy as np


class Penalties(NamedTuple):
    """Weights of the penalties on a layer of hidden units; 0 is none."""

    sparsity: float = 0.0
    """beta: the weight of the units' distance from their target."""
    sparsity_target: float = 0.05
    """rho, in (0, 1): what the mean of each unit over a batch is pulled to."""
    contraction: float = 0.0
    """lambda: the weight of the squared slopes of the codes with respect to inputs."""

    def add(self, codes, weights, activation, delta):
        """Return the penalties of a batch; add their slope to that of the loss.

        Parameters
        ----------
        codes : ndarray of shape (n_rows, n_components)
            y = s(a) of every row. With `sparsity` they lie in [0, 1].
        weights : ndarray of shape (n_components, n_inputs)
            W, with which a = W x + b.
        activation : Activation
            s.
        delta : ndarray of shape (n_rows, n_components)
            dL/dy, before it is multiplied with s'(a). Overwritten: d(value)/dy is
            added.

        Returns
        -------
        value : float
            The SUM over the rows; `sparsity`, which is of a mean over the batch,
            counts once for every row.
        row_factors : ndarray of shape (n_components,) or None
            f, with which d(value)/dW = f[:, None] * W where y is held. None: W has no
            part in the value, which is so without `contraction`.
        """
        value, row_factors = 0.0, None
        if self.sparsity:
            value += self._add_sparsity(codes, delta)
        if self.contraction:
            contraction, row_factors = self._add_contraction(
                codes, weights, activation, delta
            )
            value += contraction
        return value, row_factors

    def _add_sparsity(self, codes, delta):
        """Give Eq. (44), n_rows times. Every row has the same slope."""
        rho, n_rows = self.sparsity_target, len(codes)
        # The mean of saturated units may be 0 or 1, where the value is infinite. It is
        # right to rounding of 1 only, as a logistic is: so much nothing is lost by.
        rounding = float(np.finfo(codes.dtype).eps)
        mean = codes.mean(axis=0, dtype=np.float64)
        np.clip(mean, rounding, 1 - rounding, out=mean)
        divergence = rho * np.log(rho / mean) + (1 - rho) * np.log(
            (1 - rho) / (1 - mean)
        )
        slope = (1 - rho) / (1 - mean) - rho / mean
        delta += (self.sparsity * slope).astype(delta.dtype)  # Eq. (45)
        return float(n_rows * self.sparsity * divergence.sum())

    def _add_contraction(self, codes, weights, activation, delta):
        """Give the sum over the rows of Eq. (46), and f."""
        squared_slope = activation.slope(codes, np.empty_like(codes))
        squared_slope *= squared_slope
        total = squared_slope.sum(axis=0, dtype=np.float64)
        squared_norm = np.einsum("kj,kj->k", weights, weights)
        slope = activation.slope_of_square(codes, squared_slope)
        slope *= codes.dtype.type(self.contraction) * squared_norm
        delta += slope  # Eq. (47)
        row_factors = (2 * self.contraction * total).astype(codes.dtype)
        return float(self.contraction * (total @ squared_norm)), row_factors


def make_penalties(sparsity, sparsity_target, contraction):
    """Make the `Penalties`, or None if all weights are 0."""
    penalties = Penalties(sparsity, sparsity_target, contraction)
    return penalties if sparsity or contraction else None
