"""MarginalizedDenoisingAutoencoder: the denoising of all corruptions, in closed form.

The estimator; `moments` has the mathematics.
"""

from collections.abc import Callable
from numbers import Real
from types import SimpleNamespace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight

from sk_autoenc._compat import Interval, StrOptions
from sk_autoenc._typing import FloatArray, IntArray, MatrixLike, RandomState
from sk_autoenc.array_validation import refuse_other_arrays
from sk_autoenc.base import adopt, fitted_copy, is_fitted
from sk_autoenc.estimator import Estimator
from sk_autoenc.moments import (
    Moments,
    WeightedRows,
    added,
    encode,
    learn,
    solve,
    sums_of_block,
)
from sk_autoenc.parts.activations import ACTIVATIONS
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


class MarginalizedDenoisingAutoencoder(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator
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
        settings = self._settings(reset=True)
        rows, learned = self._read(X, reset=True, sample_weight=sample_weight)
        adopt(self, self._learned_by_sums(settings, learned, lambda look: [look(rows)]))
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
        settings = self._settings(reset=False)
        if not self.__sklearn_is_fitted__():
            rows, learned = self._read(X, reset=True, sample_weight=sample_weight)
            known = self._learned_by_sums(
                settings, learned, lambda look: [look(rows)], keep_sums=True
            )
            adopt(self, known)
            return self
        model = fitted_copy(self)
        rows, learned = model._read(X, reset=False, sample_weight=sample_weight)
        if "_moments" not in learned:
            raise ValueError(
                "fit keeps no moments to go on from if it has several layers or "
                f"more than block_size={settings.block_size} features. Begin with "
                "partial_fit."
            )
        blocks, outputs, before = learned["_moments"]
        sums = [
            added(old, sums_of_block(block, outputs, rows))
            for block, old in zip(blocks, before, strict=True)
        ]
        dtype = model.coefs_[0].dtype
        solved = solve(settings, blocks, sums)
        coef, intercept = (part.astype(dtype) for part in solved)
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

    def _settings(self, reset: bool) -> SimpleNamespace:
        return check_settings(self, CONSTRAINTS)

    def _read(
        self, X: Any, reset: bool, sample_weight: ArrayLike | None = None
    ) -> tuple[WeightedRows, dict[str, Any]]:
        if reset:
            X, learned = features_of(self, check_X, X)
        else:
            X = check_X(self, X, reset=False)
            learned = {k: v for k, v in vars(self).items() if is_fitted(k)}
        weights = weights_of(sample_weight, X)
        return WeightedRows.of(X, weights, self.block_size), learned

    def _learned_by_sums(
        self,
        settings: SimpleNamespace,
        learned: dict[str, Any],
        each: Callable[[Any], list[Any]],
        *,
        keep_sums: bool = False,
    ) -> dict[str, Any]:
        """Return the fitted attributes; see `moments.learn`."""
        n_features = learned["n_features_in_"]
        layers = learn(settings, n_features, each, keep_sums=keep_sums)
        learned |= {
            "coefs_": layers.coefs,
            "intercepts_": layers.intercepts,
            "reconstructed_features_": layers.outputs,
        }
        if layers.sums and settings.n_layers == 1:
            moments = Moments(layers.blocks, layers.outputs, layers.sums)
            learned["_moments"] = moments
        return learned

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


def weights_of(sample_weight: ArrayLike | None, rows: Any) -> FloatArray:
    """Return the weight of each row."""
    refuse_other_arrays(sample_weight, "sample_weight")
    return _check_sample_weight(sample_weight, rows, dtype=np.float64)


def adds_up(estimator: MarginalizedDenoisingAutoencoder) -> bool:
    """Refuse `partial_fit` to layers that need the codes of the finished ones below."""
    if estimator.n_layers != 1:
        raise AttributeError(
            "partial_fit adds up the moments of one layer, but with "
            f"n_layers={estimator.n_layers!r} each layer needs all rows anew. Call "
            "fit, or fit one estimator of one layer on the codes of another."
        )
    return True
