"""MarginalizedDenoisingAutoencoder: the denoising of all corruptions, in closed form.

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

from collections.abc import Callable, Iterable, Iterator
from numbers import Real
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight

from sk_autoenc._compat import Interval, StrOptions
from sk_autoenc._typing import FloatArray, IntArray, MatrixLike, RandomState
from sk_autoenc.base import adopt, draw_entropy, fitted_copy, generator, is_fitted
from sk_autoenc.feeds import slices
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.plain import SavedPlain, kept_plain
from sk_autoenc.threads import blas_threads
from sk_autoenc.validation import (
    AT_LEAST_ONE,
    POSITIVE,
    check_codes,
    check_settings,
    check_X,
    features_of,
)

CONSTRAINTS = {
    "n_layers": [AT_LEAST_ONE],
    "corruption_level": [Interval(Real, 0, 1, closed="left")],
    "ridge": [POSITIVE],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "block_size": [AT_LEAST_ONE],
    "layers": [StrOptions({"last", "all"})],
    "random_state": ["random_state"],
}

INVERSES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "identity": lambda code: code,
    "logistic": lambda code: np.log(code) - np.log1p(-code),
    "relu": lambda code: code,  # of what is negative nothing is left
    "tanh": np.arctanh,
}
"""What makes s(a) the pre-activation again."""
RANGES = {"logistic": (0.0, 1.0), "tanh": (-1.0, 1.0)}
"""Of codes; the ends, which rounding reaches, have no finite pre-activation."""
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


class MarginalizedDenoisingAutoencoder(
    SavedPlain, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Denoising autoencoder whose corruption is averaged over, in closed form.

    A linear map reconstructs each row from what masking leaves of it. The expectation
    over all maskings needs no draws and no epochs, only the second moments of the rows
    (mSDA [1]_, Eqs. (90) to (92)): one pass over X and one system of equations. Codes
    are the reconstructions, squashed; each further layer takes the codes of the one
    before.

    It is made for bags of words: a word that is missing is guessed from those beside
    it, so texts of the same sense, or of two domains, become alike. Read more in
    ``doc/guide_rows.md``.

    Parameters
    ----------
    n_layers : int, default=1
        Each layer needs a pass over X of its own.

    corruption_level : float, default=0.5
        Probability that an entry is set to 0, in [0, 1).

    ridge : float, default=1e-5
        Added to the diagonal of the system of equations.

    activation : {"tanh", "identity", "logistic", "relu"}, default="tanh"
        Squashes the reconstruction of each layer.

    block_size : int, default=2000
        Rows of at most so many features are one block, and codes are as long as rows.
        Longer rows are cut into random blocks of at most this length, of which each
        reconstructs the `block_size` features that have the largest sum of squares (of
        zeros and ones: the most frequent), Eq. (93). Memory grows with `block_size`
        times the number of features, time with its square times that.

    layers : {"last", "all"}, default="last"
        Codes are those of the last layer, or of all layers side by side.

    random_state : int, RandomState instance or None, default=None
        Cuts into blocks. Rows of one block do not depend on it.

    Attributes
    ----------
    coefs_ : list of ndarray
        W of each layer without its last column, transposed: the first of shape
        (n_features_in_, n_outputs), others (n_outputs, n_outputs). With several blocks
        divided by their number.

    intercepts_ : list of ndarray of shape (n_outputs,)
        The last column of W of each layer.

    reconstructed_features_ : ndarray of int, of shape (n_outputs,)
        The features of X that codes are about, ascending: all, if there is one block.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during fit. Defined only when X has feature names that
        are all strings.

    See Also
    --------
    DenoisingAutoencoder : Non-linear, of any number of components, by steps.
    sklearn.decomposition.TruncatedSVD : Linear codes of sparse rows.

    Notes
    -----
    Moments are added up in double precision whatever the type of X. Sparse X stays
    sparse; zeros are values like others.

    References
    ----------
    .. [1] M. Chen, Z. Xu, K. Weinberger, F. Sha, "Marginalized denoising autoencoders
       for domain adaptation", ICML 2012.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sk_autoenc import MarginalizedDenoisingAutoencoder
    >>> X = load_digits().data / 16
    >>> model = MarginalizedDenoisingAutoencoder(n_layers=2).fit(X)
    >>> model.transform(X).shape
    (1797, 64)
    """

    n_features_in_: int
    feature_names_in_: NDArray[np.object_]
    coefs_: list[FloatArray]
    intercepts_: list[FloatArray]
    reconstructed_features_: IntArray

    def __init__(
        self,
        n_layers: int = 1,
        corruption_level: float = 0.5,
        *,
        ridge: float = 1e-5,
        activation: Literal["tanh", "identity", "logistic", "relu"] = "tanh",
        block_size: int = 2000,
        layers: Literal["last", "all"] = "last",
        random_state: RandomState = None,
    ) -> None:
        self.n_layers = n_layers
        self.corruption_level = corruption_level
        self.ridge = ridge
        self.activation = activation
        self.block_size = block_size
        self.layers = layers
        self.random_state = random_state

    def fit(
        self,
        X: MatrixLike,
        y: object = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn from all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : Ignored
            Present for consistency with the scikit-learn API.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of 2 is the same as the row twice.

        Returns
        -------
        self : MarginalizedDenoisingAutoencoder
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter or X is invalid.

        See Also
        --------
        partial_fit : The same in parts.

        Examples
        --------
        >>> from sk_autoenc import MarginalizedDenoisingAutoencoder
        >>> X = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
        >>> MarginalizedDenoisingAutoencoder().fit(X).coefs_[0].shape
        (2, 2)
        """
        settings = check_settings(self, CONSTRAINTS)
        rows, learned = features_of(self, check_X, X)
        weights = _check_sample_weight(sample_weight, rows, dtype=np.float64)
        blocks, outputs = make_blocks(settings, rows, weights)
        sums: Iterable[Sums] = sums_of_blocks(blocks, outputs, rows, weights)
        if len(blocks) == 1:  # else they come and go, in the memory of one
            sums = list(sums)
            if settings.n_layers == 1:
                learned["_moments"] = Moments(blocks, outputs, sums)
        coef, intercept = solve(settings, blocks, sums, rows.dtype)
        coefs, intercepts = [coef], [intercept]
        for _ in range(1, settings.n_layers):
            codes = Codes(coefs, intercepts, settings.activation, rows)
            block = np.arange(len(outputs))
            sums = sums_of_blocks([block], block, codes, weights)
            coef, intercept = solve(settings, [block], sums, rows.dtype)
            coefs.append(coef)
            intercepts.append(intercept)
        learned |= {
            "coefs_": coefs,
            "intercepts_": intercepts,
            "reconstructed_features_": outputs,
        }
        adopt(self, learned)
        return self

    @available_if(lambda self: adds_up(self))
    def partial_fit(
        self,
        X: MatrixLike,
        y: object = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn from more rows: all calls together are one `fit` of all their rows.

        That is exact, to rounding, whatever the split and the order. Where rows are
        longer than `block_size`, the first call chooses the blocks and what they
        reconstruct, and the moments of all blocks are kept.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : Ignored
            Present for consistency with the scikit-learn API.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of 2 is the same as the row twice.

        Returns
        -------
        self : MarginalizedDenoisingAutoencoder
            The fitted transformer.

        Raises
        ------
        AttributeError
            If there are several layers: each needs all rows anew.
        ValueError
            If a parameter or X is invalid, or after a `fit` of several blocks.

        See Also
        --------
        fit : All rows at once, of any number of layers.

        Examples
        --------
        >>> from sk_autoenc import MarginalizedDenoisingAutoencoder
        >>> X = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
        >>> model = MarginalizedDenoisingAutoencoder().partial_fit(X[:1])
        >>> model.partial_fit(X[1:]).coefs_[0].shape
        (2, 2)
        """
        settings = check_settings(self, CONSTRAINTS)
        if not self.__sklearn_is_fitted__():
            rows, learned = features_of(self, check_X, X)
            dtype = rows.dtype
            weights = _check_sample_weight(sample_weight, rows, dtype=np.float64)
            blocks, outputs = make_blocks(settings, rows, weights)
            sums = list(sums_of_blocks(blocks, outputs, rows, weights))
        else:
            model = fitted_copy(self)
            rows = check_X(model, X, reset=False)
            dtype = model.coefs_[0].dtype
            weights = _check_sample_weight(sample_weight, rows, dtype=np.float64)
            learned = {k: v for k, v in vars(model).items() if is_fitted(k)}
            if "_moments" not in learned:
                raise ValueError(
                    "fit keeps no moments to go on from if it has several layers or "
                    f"more than block_size={settings.block_size} features. Begin with "
                    "partial_fit."
                )
            blocks, outputs, before = learned["_moments"]
            more = sums_of_blocks(blocks, outputs, rows, weights)
            sums = [added(old, new) for old, new in zip(before, more, strict=True)]
        coef, intercept = solve(settings, blocks, sums, dtype)
        learned |= {
            "_moments": Moments(blocks, outputs, sums),
            "coefs_": [coef],
            "intercepts_": [intercept],
            "reconstructed_features_": outputs,
        }
        adopt(self, learned)
        return self

    def transform(self, X: MatrixLike) -> Any:
        """Return codes, Eqs. (92, 93).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        codes : ndarray of shape (n_samples, n_outputs)
            In the type of X, float32 or float64; n_layers * n_outputs columns with
            ``layers="all"``.

        See Also
        --------
        inverse_transform : The way back.

        Examples
        --------
        >>> from sk_autoenc import MarginalizedDenoisingAutoencoder
        >>> X = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
        >>> MarginalizedDenoisingAutoencoder().fit(X).transform(X[:1]).shape
        (1, 2)
        """
        model = fitted_copy(self)
        rows = check_X(model, X, reset=False)
        codes = encode(model.coefs_, model.intercepts_, model.activation, rows)
        return codes[-1] if model.layers == "last" else np.hstack(codes)

    def inverse_transform(self, X: ArrayLike) -> FloatArray:
        """Return the rows that codes were made of, denoised.

        The activation is undone layer by layer, down to the reconstruction of X, of
        which "relu" has lost what was negative. Of `layers="all"` the first layer is
        taken.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_outputs)
            Codes; n_layers * n_outputs columns with ``layers="all"``.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features_in_)
            0 in features that are not in `reconstructed_features_`.

        See Also
        --------
        transform : Codes of rows.

        Examples
        --------
        >>> from sk_autoenc import MarginalizedDenoisingAutoencoder
        >>> X = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
        >>> model = MarginalizedDenoisingAutoencoder(corruption_level=0.0).fit(X)
        >>> model.inverse_transform(model.transform(X[:1])).round(3)
        array([[0., 1.]])
        """
        model = fitted_copy(self)
        codes = check_codes(model, X, model._n_features_out)
        n_outputs = len(model.reconstructed_features_)
        depth = 1 if model.layers == "all" else len(model.coefs_)
        codes = codes[:, :n_outputs].copy()
        low, high = RANGES.get(model.activation, (-np.inf, np.inf))
        for _ in range(depth):
            inside = np.nextafter([low, high], [0.5, 0.5], dtype=codes.dtype)
            codes = INVERSES[model.activation](np.clip(codes, *inside))
        if n_outputs == model.n_features_in_:
            return codes
        rows = np.zeros((len(codes), model.n_features_in_), codes.dtype)
        rows[:, model.reconstructed_features_] = codes
        return rows

    @property
    def _n_features_out(self) -> int:
        n_layers = len(self.coefs_) if self.layers == "all" else 1
        return n_layers * len(self.reconstructed_features_)

    def __sklearn_is_fitted__(self) -> bool:
        return "coefs_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def adds_up(estimator: MarginalizedDenoisingAutoencoder) -> bool:
    """Refuse `partial_fit` to layers that need the codes of the finished ones below."""
    if estimator.n_layers != 1:
        raise AttributeError(
            "partial_fit adds up the moments of one layer, but with "
            f"n_layers={estimator.n_layers!r} each layer needs all rows anew. Call "
            "fit, or fit one estimator of one layer on the codes of another."
        )
    return True


def make_blocks(
    settings: SimpleNamespace, X: Any, weights: FloatArray
) -> tuple[list[IntArray], IntArray]:
    """Choose the features of each block, and those that all reconstruct."""
    n_features, size = X.shape[1], settings.block_size
    everything = np.arange(n_features)
    if n_features <= size:
        return [everything], everything
    squares = X.multiply(X) if scipy.sparse.issparse(X) else np.square(X, dtype=float)
    # Stable: of equal features the first.
    order = np.argsort(-(squares.T @ weights), kind="stable")
    rng = generator(draw_entropy(settings.random_state), BLOCKS)
    blocks = np.array_split(rng.permutation(n_features), -(-n_features // size))
    return [np.sort(block) for block in blocks], np.sort(order[:size])


def sums_of_blocks(
    blocks: list[IntArray], outputs: IntArray, X: Any, weights: FloatArray
) -> Iterator[Sums]:
    """Yield the moments of each block, Eq. (90)."""
    columns = X.tocsc() if scipy.sparse.issparse(X) and len(blocks) > 1 else X
    for block in blocks:
        if block is outputs:
            yield Sums(products(X, X, weights, of_ones=True), None)
            continue
        inputs = columns[:, block]
        yield Sums(
            products(inputs, inputs, weights, of_ones=True),
            products(columns[:, outputs], inputs, weights, of_ones=False),
        )


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
    dtype: np.dtype[Any],
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
    coef = np.empty((n_features, parts[0].shape[1]), dtype)
    for block, part in zip(blocks, parts, strict=True):
        coef[block] = part[:-1]
    return coef, sum(part[-1] for part in parts).astype(dtype)


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
