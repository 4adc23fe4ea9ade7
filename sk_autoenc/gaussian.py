"""A regularised Gaussian of rows with missing entries, by expectation-maximisation.

It is the best linear way to fill in: another linear map for every pattern of holes.
With m the mean, S the covariance and P = S^-1, h the hidden entries of a row and v the
visible ones,

    x_h = m_h - P_hh^-1 P_hv (x_v - m_v),  cov(x_h | x_v) = P_hh^-1              (60)

Expectation-maximisation (Dempster, Laird, Rubin, 1977; Little, Rubin, Statistical
Analysis with Missing Data, s. 11.2) repeats (60) for all n rows, then

    m <- mean of rows,  S <- (sum of (x - m)(x - m)^T + cov + r I) / (n + r)     (61)

r I being a prior of independent columns of variance 1: columns are standardised.
"""

from typing import NamedTuple

import numpy as np

from sk_autoenc.parts.plain import kept_plain

PRIOR_ROWS = 0.1
"""r in Eq. (61), per column and two."""
N_STEPS = 30
TOLERANCE = 1e-3
"""Of the entries of S between two steps, at which they end."""
WORK = 1e10
"""Floating-point operations, about, that learning may take."""
BLOCK_ENTRIES = 2**19
"""Of the matrices P_hh that are worked on at a time."""


@kept_plain
class Gaussian(NamedTuple):
    """Mean and precision of rows."""

    mean: np.ndarray
    """m, (n_features,)."""
    precision: np.ndarray
    """P, (n_features, n_features)."""


def learn(rows, observed, rng, start=None):
    """Estimate a Gaussian; None where that would take too long.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Standardised. What is not observed is not looked at.
    observed : ndarray of bool, of the same shape
    rng : numpy.random.Generator
        Chooses rows to learn from, where there are too many.
    start : Gaussian, default=None
        Of rows much like these, which saves steps. None: independent columns.

    Returns
    -------
    gaussian : Gaussian or None
    """
    n_rows, n_features = rows.shape
    n_hidden = n_features - observed.sum(axis=1).mean()
    work_of_a_row = N_STEPS * (2 * n_hidden**3 + 4 * n_features**2)
    n_affordable = int(WORK / work_of_a_row)
    if n_affordable < min(n_rows, 3 * n_features):
        return None
    if n_affordable < n_rows:
        chosen = rng.choice(n_rows, n_affordable, replace=False)
        rows, observed = rows[chosen], observed[chosen]
    return expectation_maximisation(rows.astype(np.float64), observed, start)


def expectation_maximisation(rows, observed, start=None):
    """Repeat Eqs. (60) and (61) until the covariance stays."""
    n_rows, n_features = rows.shape
    prior = PRIOR_ROWS * (n_features + 2)
    start = start or Gaussian(np.zeros(n_features), np.eye(n_features))
    mean, covariance = start.mean, np.linalg.inv(start.precision)
    for _ in range(N_STEPS):
        gaussian = Gaussian(mean, np.linalg.inv(covariance))
        filled, spread = fill(gaussian, rows, observed, with_covariance=True)
        mean = filled.mean(axis=0)
        filled -= mean
        before = covariance
        covariance = filled.T @ filled + spread
        covariance.flat[:: n_features + 1] += prior
        covariance /= n_rows + prior  # Eq. (61)
        if np.abs(covariance - before).max() < TOLERANCE:
            break
    return Gaussian(mean, np.linalg.inv(covariance))


def fill(gaussian, rows, visible, *, with_covariance=False):
    """Give hidden entries their conditional mean, Eq. (60).

    Parameters
    ----------
    gaussian : Gaussian
    rows : ndarray of shape (n_rows, n_features)
    visible : ndarray of bool, of the same shape
    with_covariance : bool, default=False
        Whether to sum up the conditional covariances.

    Returns
    -------
    filled : float64 array of the same shape
    spread : ndarray of shape (n_features, n_features)
        The sum of cov(x_h | x_v) over all rows, 0 elsewhere; 0 without covariance.
    """
    mean, precision = gaussian
    n_features = len(mean)
    filled = np.where(visible, rows, mean)
    force = (mean - filled) @ precision  # its hidden part is -P_hv (x_v - m_v)
    spread = np.zeros(n_features**2 if with_covariance else 1)
    for chosen, hidden, is_padding in blocks_of_hidden(visible):
        # P_hh, and an identity in what pads the shorter ones.
        matrices = precision[hidden[:, :, None], hidden[:, None, :]]
        matrices[is_padding[:, :, None] | is_padding[:, None, :]] = 0
        diagonal = np.einsum("ijj->ij", matrices)
        diagonal[is_padding] = 1
        right = np.where(is_padding, 0, np.take_along_axis(force[chosen], hidden, 1))
        if with_covariance:
            matrices = np.linalg.inv(matrices)
            moved = np.einsum("ijk,ik->ij", matrices, right)
            matrices[is_padding[:, :, None] | is_padding[:, None, :]] = 0
            places = hidden[:, :, None] * n_features + hidden[:, None, :]
            spread += np.bincount(places.ravel(), matrices.ravel(), n_features**2)
        else:
            moved = np.linalg.solve(matrices, right[:, :, None])[:, :, 0]
        row, slot = np.nonzero(~is_padding)
        filled[chosen[row], hidden[row, slot]] += moved[row, slot]
    return filled, spread.reshape(-1, n_features) if with_covariance else 0.0


def blocks_of_hidden(visible):
    """Yield rows of about as many hidden entries, and the places of these.

    Yields
    ------
    rows : ndarray of int, of shape (n,)
    hidden : ndarray of int, of shape (n, most)
        The hidden columns of each, padded at the end.
    is_padding : ndarray of bool, of the same shape
    """
    n_hidden = visible.shape[1] - visible.sum(axis=1)
    order = np.argsort(n_hidden, kind="stable")
    start = np.searchsorted(n_hidden[order], 1)
    while start < len(order):
        # Sorted: the last row of a block has most.
        most = n_hidden[order[start]]
        size = max(1, BLOCK_ENTRIES // (4 * most**2))
        rows = order[start : start + size]
        most = n_hidden[rows[-1]]
        hidden = np.argsort(visible[rows], axis=1, kind="stable")[:, :most]
        yield rows, hidden, np.arange(most) >= n_hidden[rows, None]
        start += size
