"""Second moments of rows, which the closed form of denoising is learned from.

Moments of the rows are all that is learned from: they add up over rows, blocks and
calls. With x extended by a feature of ones, which is never corrupted, and masking with
probability p,

    S = sum of w_n x_n x_n^T,   q = (1 - p, ..., 1 - p, 1)                       (90)

    P_ij = S_ij q_j,   Q_ij = S_ij q_i q_j for i != j,   Q_ii = S_ii q_i         (91)

    W = P (Q + ridge I)^-1,   y = s(W [x; 1])                                    (92)

W minimises the expectation of sum_n w_n |x_n - W x~_n|^2 over all corruptions x~, plus
ridge |W|^2. Wide rows are cut into K blocks of features, each of which is to give the
same few features R, and the blocks' guesses are averaged:

    y = s(mean over k of W_k [x_k; 1]),   W_k = P_k (Q_k + ridge I)^-1           (93)

with S between R and block k in P_k, and S within block k in Q_k.
"""

from collections.abc import Callable, Iterable
from functools import partial, reduce
from types import SimpleNamespace
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.sparse

from sk_autoenc._typing import FloatArray, IntArray
from sk_autoenc.base import draw_entropy, generator
from sk_autoenc.feeds import slices
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.plain import kept_plain
from sk_autoenc.threads import blas_threads

BLOCKS = 2**32 - 1
"""Stream of random numbers."""


@kept_plain
class Sums(NamedTuple):
    """S of a block, Eq. (90)."""

    within: FloatArray
    """Of the block and the ones, (n_block + 1, n_block + 1)."""
    between: FloatArray | None
    """Between R and these, (n_outputs, n_block + 1). None: R is the block."""


@kept_plain
class Moments(NamedTuple):
    """All that is known of the rows."""

    blocks: list[IntArray]
    """The features of each block."""
    outputs: IntArray
    """R: the features that are reconstructed; of a single block its own."""
    sums: list[Sums]
    """Of each block."""


class WeightedRows(NamedTuple):
    """Rows and their weights."""

    X: Any
    weights: FloatArray
    """(n_rows,)."""
    columns: Any
    """X again: a matrix of which to take columns."""

    @classmethod
    def of(cls, X: Any, weights: FloatArray, n_features_of_block: int) -> Self:
        """Prepare rows, which are cut into blocks if they are longer."""
        in_blocks = X.shape[1] > n_features_of_block
        columns = X.tocsc() if in_blocks and scipy.sparse.issparse(X) else X
        return cls(X, weights, columns)


class Learned(NamedTuple):
    """All layers, and what the first was made of."""

    coefs: list[FloatArray]
    intercepts: list[FloatArray]
    blocks: list[IntArray]
    outputs: IntArray
    sums: list[Sums]
    """Of the first layer, if it has a single block, or all are to be kept."""


def learn(
    settings: SimpleNamespace,
    n_features: int,
    each: Callable[[Any], list[Any]],
    *,
    keep_sums: bool = False,
) -> Learned:
    """Learn layer after layer.

    Parameters
    ----------
    settings : SimpleNamespace
        The estimator's parameters.
    n_features : int
    each : callable
        ``each(function)`` -> list of ``function(rows)`` of all parts of the data, which
        are `WeightedRows`. What it gives is added up.
    keep_sums : bool, default=False
        Keep all sums of the first layer; else those of several blocks come and go, in
        the memory of one.
    """
    blocks, outputs = [np.arange(n_features)], np.arange(n_features)
    if n_features > settings.block_size:
        blocks, outputs = make_blocks(settings, total(each(sums_of_squares)))
    dtypes: set[Any] = set()

    def of_all_rows(block: IntArray) -> Sums:
        parts = each(partial(sums_and_dtype, block, outputs))
        dtypes.update(dtype for _, dtype in parts)
        return added_up([part for part, _ in parts])

    sums: Iterable[Sums] = map(of_all_rows, blocks)
    if len(blocks) == 1 or keep_sums:
        sums = list(sums)
    solved = solve(settings, blocks, sums)
    dtype = np.result_type(*dtypes)
    coef, intercept = (part.astype(dtype) for part in solved)
    coefs, intercepts = [coef], [intercept]
    of_codes = np.arange(len(outputs))
    for _ in range(1, settings.n_layers):
        below = partial(sums_of_codes, coefs, intercepts, settings.activation)
        solved = solve(settings, [of_codes], [added_up(each(below))])
        coef, intercept = (part.astype(dtype) for part in solved)
        coefs, intercepts = [*coefs, coef], [*intercepts, intercept]
    kept = sums if isinstance(sums, list) else []
    return Learned(coefs, intercepts, blocks, outputs, kept)


def sums_of_squares(rows: WeightedRows) -> FloatArray:
    """Return the weighted sum of squares of each feature."""
    X = rows.X
    squares = X.multiply(X) if scipy.sparse.issparse(X) else np.square(X, dtype=float)
    sums: FloatArray = squares.T @ rows.weights
    return sums


def make_blocks(
    settings: SimpleNamespace, squares: FloatArray
) -> tuple[list[IntArray], IntArray]:
    """Choose the features of each block, and those that all reconstruct."""
    n_features, size = len(squares), settings.block_size
    # Stable: of equal features the first.
    order = np.argsort(-squares, kind="stable")
    rng = generator(draw_entropy(settings.random_state), BLOCKS)
    blocks = np.array_split(rng.permutation(n_features), -(-n_features // size))
    return [np.sort(block) for block in blocks], np.sort(order[:size])


def sums_of_block(block: IntArray, outputs: IntArray, rows: WeightedRows) -> Sums:
    """Return the moments of a block, Eq. (90); R is all of a single one."""
    X, weights, columns = rows
    if len(block) == X.shape[1]:
        return Sums(products(X, X, weights, of_ones=True), None)
    inputs = columns[:, block]
    return Sums(
        products(inputs, inputs, weights, of_ones=True),
        products(columns[:, outputs], inputs, weights, of_ones=False),
    )


def sums_and_dtype(
    block: IntArray, outputs: IntArray, rows: WeightedRows
) -> tuple[Sums, Any]:
    """Return the moments of a block, and the dtype of the rows: in one pass."""
    return sums_of_block(block, outputs, rows), rows.X.dtype


def sums_of_codes(
    coefs: list[FloatArray],
    intercepts: list[FloatArray],
    activation: str,
    rows: WeightedRows,
) -> Sums:
    """Return the moments of the codes of the layers that are there."""
    codes = Codes(coefs, intercepts, activation, rows.X)
    return Sums(products(codes, codes, rows.weights, of_ones=True), None)


def total(parts: list[Any]) -> Any:
    """Add up one or more."""
    return reduce(lambda one, other: one + other, parts)


def added_up(parts: list[Sums]) -> Sums:
    """Add up moments."""
    return reduce(added, parts)


def products(
    left: Any, right: Any, weights: FloatArray, *, of_ones: bool
) -> FloatArray:
    """Return the sum of w_n l_n [r_n; 1]^T in double precision.

    With `of_ones` l_n, too, is extended by 1.
    """
    n_left, n_right = left.shape[1], right.shape[1]
    sums = np.zeros((n_left + of_ones, n_right + 1))
    blocks: Iterable[slice] = slices(left.shape[0], n_left + n_right)
    if scipy.sparse.issparse(left):  # no larger in double precision than it is
        blocks = [slice(None)]
    with np.errstate(over="ignore", invalid="ignore"):  # `solve` looks
        for rows in blocks:
            some = weights[rows]
            ours = in_double(left[rows])
            others = ours if right is left else in_double(right[rows])
            if scipy.sparse.issparse(ours):
                weighted = ours.multiply(some[:, None]).tocsr()
                sums[:n_left, :n_right] += (weighted.T @ others).toarray()
            else:
                weighted = ours * some[:, None]
                with blas_threads(2 * len(some) * n_left * n_right):
                    sums[:n_left, :n_right] += weighted.T @ others
            sums[:n_left, -1] += ours.T @ some
            if of_ones:
                sums[-1, -1] += some.sum()
    if of_ones:
        sums[-1, :-1] = sums[:-1, -1]
    return sums


def added(left: Sums, right: Sums) -> Sums:
    """Return the moments of both; neither is changed."""
    between = None
    if left.between is not None and right.between is not None:
        between = left.between + right.between
    return Sums(left.within + right.within, between)


def in_double(rows: Any) -> Any:
    """Return rows in double precision."""
    return rows.astype(np.float64, copy=False)


def solve(
    settings: SimpleNamespace,
    blocks: list[IntArray],
    sums: Iterable[Sums],
) -> tuple[FloatArray, FloatArray]:
    """Return W^T of all blocks over their number, in two parts, Eqs. (91) to (93).

    Returns
    -------
    coef : ndarray of shape (n_features, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    """
    keep = 1 - settings.corruption_level
    parts = []
    for within, between in sums:
        if not np.isfinite(within).all():
            raise ValueError(
                "X has values whose squares do not fit into double precision. Scale X."
            )
        q = np.append(np.full(len(within) - 1, keep), 1.0)
        cross = within[:-1] if between is None else between
        matrix = within * np.outer(q, q)
        np.fill_diagonal(matrix, within.diagonal() * q + settings.ridge)
        # Q is symmetric: the solution is W^T.
        with blas_threads(2 * len(matrix) ** 3):
            part = solution(matrix, (cross * q).T, settings)
        parts.append(part / len(blocks))
    n_features = sum(map(len, blocks))
    coef = np.empty((n_features, parts[0].shape[1]))
    for block, part in zip(blocks, parts, strict=True):
        coef[block] = part[:-1]
    return coef, sum(part[-1] for part in parts)


def solution(
    matrix: FloatArray, right: FloatArray, settings: SimpleNamespace
) -> FloatArray:
    """Solve the normal equations; say what to do if rounding has eaten the ridge."""
    try:
        return np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            f"With corruption_level={settings.corruption_level!r} features of X depend "
            f"on each other, and ridge={settings.ridge!r} is lost beside values as "
            "large as theirs. Scale X (for instance with StandardScaler), raise ridge, "
            "or corrupt more."
        ) from error


class Codes:
    """The codes of the layers that are there, of some rows at a time."""

    def __init__(
        self,
        coefs: list[FloatArray],
        intercepts: list[FloatArray],
        activation: str,
        X: Any,
    ) -> None:
        self.layers = list(coefs), list(intercepts), activation
        self.X = X
        self.shape = X.shape[0], len(intercepts[-1])

    def __getitem__(self, rows: slice) -> FloatArray:
        return encode(*self.layers, self.X[rows])[-1]


def encode(
    coefs: list[FloatArray], intercepts: list[FloatArray], activation: str, X: Any
) -> list[FloatArray]:
    """Return the codes of each layer, Eqs. (92, 93)."""
    codes: list[FloatArray] = []
    below = X
    for coef, intercept in zip(coefs, intercepts, strict=True):
        with blas_threads(2 * below.shape[0] * coef.size):
            below = np.asarray(below @ coef)
        below += intercept
        ACTIVATIONS[activation].value(below)
        codes.append(below)
    return codes
