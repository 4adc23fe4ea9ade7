"""TableDenoisingAutoencoder: codes of rows of a data frame. No derivative here."""

from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted

from sk_autoenc._typing import CategoricalFeatures, FloatArray, RandomState
from sk_autoenc.base import adopt, draw_entropy, is_fitted, seeded
from sk_autoenc.denoising import DenoisingAutoencoder
from sk_autoenc.estimator import Estimator
from sk_autoenc.feeds import slices
from sk_autoenc.table_validation import (
    TABULAR_CONSTRAINTS,
    check_column_encoders,
    check_encoder,
    check_takes_groups,
    places_of,
)
from sk_autoenc.tables.columns import are_categories, check_times
from sk_autoenc.tables.encoders import learn_encoding
from sk_autoenc.tables.numbers import BinnedNumbers
from sk_autoenc.tables.reading import is_nothing, read_table
from sk_autoenc.validation import check_codes, check_settings

MOST_BINS, MOST_BINS_OF_ALL = 200, 1000
"""Of a column of numbers, and of all of them."""
RARE = 10
"""Rows that a level of its own has, at least."""


class TableDenoisingAutoencoder(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator
):
    """Codes of the rows of a table of numbers, categories and holes.

    Every column is encoded by itself: a number by its size and by the piece between
    quantiles in which it lies, a category one-hot. A denoising autoencoder learns codes
    of the result, and decodes them to a table again: numbers in their units, categories
    as one of their levels. Its corruption moves whole columns, and its loss is the
    squared error for numbers and minus the logarithm of the probability of the level
    for categories.

    The autoencoder and the encoders that are given are cloned and never changed. Read
    more in ``doc/guide_tables.md``.

    Parameters
    ----------
    autoencoder : DenoisingAutoencoder or None, default=None
        The model; its `feature_groups` are set. None is ``DenoisingAutoencoder(512,
        corruption="swap", corruption_level=0.15, tied_weights=False, alpha=a)``, where
        a is 10 / n_samples, but from 0.001 to 0.03.

    numeric_encoder : estimator object or None, default=None
        What encodes a column of numbers: a transformer of arrays of shape (n_values, 1)
        that are without missing entries, such as StandardScaler or QuantileTransformer.
        (Features of any encoder that are not all 0 or 1 are standardised afterwards.)
        None is asinh((x - mean) / standard deviation), and beside it one-hot in which
        of up to 200 pieces, between quantiles of training, x lies; a piece has 50 rows,
        and all columns together have some 1000 pieces. StandardScaler is several times
        as fast, and codes say less.

    categorical_encoder : estimator object or None, default=None
        What encodes a category. None is OneHotEncoder, where levels of fewer than ten
        rows share a column and at most 255 have their own.

    column_encoders : dict or None, default=None
        Name or number of a column -> what encodes it, in place of these two: a
        scikit-learn transformer as above, or one of skrub for single columns, such as
        DatetimeEncoder or StringEncoder, which gets the column as it is.

    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Which columns hold categories; see `DenoisingImputer`.

    missing_values : int, float, str, numpy.nan, None or pandas.NA, default=numpy.nan
        What stands for a missing entry. NaN, None and NA stand for each other.

    add_indicator : bool, default=True
        Whether each column with holes in training has one more encoded feature that is
        1 where it is missing: then codes know of it. Of a category it is one more
        level.

    random_state : int, RandomState instance or None, default=None
        Decides every `random_state` of the autoencoder and the encoders that is None.
        Pass an int for the same result at every `fit`.

    Attributes
    ----------
    autoencoder_ : DenoisingAutoencoder
        The fitted model of encoded rows.

    encoders_ : dict
        Name of a column -> its fitted encoder. Columns without any observed value are
        not there: they take no part.

    feature_groups_ : ndarray of int, of shape (n_encoded_features,)
        The number, in the order of `encoders_`, of the column of each encoded feature.

    n_features_in_ : int
        Number of columns seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of columns seen during fit. Defined only if X has column names that are
        all strings.

    See Also
    --------
    DenoisingImputer : Fills the holes of a table.
    DenoisingAutoencoder : Codes of rows of numbers.

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol, "Extracting and
       Composing Robust Features with Denoising Autoencoders", ICML 2008.
       :doi:`10.1145/1390156.1390294`

    Examples
    --------
    >>> import pandas as pd
    >>> from sk_autoenc import TableDenoisingAutoencoder
    >>> frame = pd.DataFrame({"size": [1.0, 2.0, None, 9.0] * 20,
    ...                       "kind": ["small", "small", "large", "large"] * 20})
    >>> model = TableDenoisingAutoencoder(random_state=0).fit(frame)
    >>> codes = model.transform(frame)
    >>> codes.shape
    (80, 512)
    >>> list(model.inverse_transform(codes[:4])["kind"])
    ['small', 'small', 'large', 'large']
    """

    autoencoder_: Any
    encoders_: dict[str, Any]
    feature_groups_: NDArray[np.intp]
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]

    def __init__(
        self,
        autoencoder: Any = None,
        *,
        numeric_encoder: Any = None,
        categorical_encoder: Any = None,
        column_encoders: dict[Any, Any] | None = None,
        categorical_features: CategoricalFeatures = "from_dtype",
        missing_values: Any = np.nan,
        add_indicator: bool = True,
        random_state: RandomState = None,
    ) -> None:
        self.autoencoder = autoencoder
        self.numeric_encoder = numeric_encoder
        self.categorical_encoder = categorical_encoder
        self.column_encoders = column_encoders
        self.categorical_features = categorical_features
        self.missing_values = missing_values
        self.add_indicator = add_indicator
        self.random_state = random_state

    def fit(self, X: Any, y: object = None) -> Self:
        """Learn to encode and decode rows of a table.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            Numbers, categories and missing entries.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : TableDenoisingAutoencoder
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or X is not valid, or if an encoder or the autoencoder says
            so. The estimator then is as it was before the call.

        See Also
        --------
        transform : Codes.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(50, 3))
        >>> TableDenoisingAutoencoder(random_state=0).fit(X).feature_groups_
        array([0, 1, 2])
        """
        settings = check_settings(self, TABULAR_CONSTRAINTS)
        check_takes_groups(settings.autoencoder)
        for name in ("numeric_encoder", "categorical_encoder"):
            if getattr(settings, name) is not None:
                check_encoder(name, getattr(settings, name))
        shadow = type(self)()  # validation sets attributes: not yet on the estimator
        own = check_column_encoders(settings.column_encoders)
        table = read_table(shadow, X, self.missing_values, reset=True, opaque=set(own))
        own = places_of(own, table.names)
        rng = np.random.default_rng(draw_entropy(settings.random_state))
        categories = are_categories(table, self.categorical_features)
        check_times(table, categories, own)
        encoders = choose(settings, categories, own, rng)
        encoding = learn_encoding(
            table, categories, encoders, add_indicator=settings.add_indicator
        )
        if not encoding.groups:
            raise ValueError(
                "Every entry of X is missing: there is nothing to learn from. Pass "
                "rows with some observed entries."
            )
        groups = encoding.feature_groups
        template = settings.autoencoder or default_autoencoder(table.n_rows)
        model = seeded(template, rng).set_params(feature_groups=groups)
        features, _ = encoding.encode(table, np.float32)
        model.fit(features)
        learned = {
            name: value for name, value in vars(shadow).items() if is_fitted(name)
        }
        learned |= {
            "_encoding": encoding,
            "_fitted_with": {
                "missing_values": self.missing_values,
                "opaque": tuple(own),
            },
            "autoencoder_": model,
            "encoders_": {group.name: group.encoder for group in encoding.groups},
            "feature_groups_": groups,
        }
        adopt(self, learned)
        return self

    def transform(self, X: Any) -> FloatArray:
        """Encode rows.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            Rows, those of training or others. A level that training has not seen shares
            the column of rare levels, or is taken as missing if there is none.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_components)
            Float32 if X is an array of that type, else float64.

        See Also
        --------
        inverse_transform : From codes back to a table.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(50, 3))
        >>> TableDenoisingAutoencoder(random_state=0).fit(X).transform(X).shape
        (50, 512)
        """
        features, _ = self._read(X)
        return self.autoencoder_.transform(features)

    def inverse_transform(self, X: ArrayLike) -> Any:
        """Decode codes to a table.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes, as `transform` returns them.

        Returns
        -------
        table : data frame or ndarray of shape (n_samples, n_features)
            With the columns and types of the X of `fit`. Nothing is missing but in
            columns that took no part, and in those whose encoder has no inverse (and
            that are no category of at most 1000 levels), which are missing throughout.
            Rows of a data frame are numbered from 0.

        See Also
        --------
        reconstruct : From a table to codes and back.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(50, 3))
        >>> model = TableDenoisingAutoencoder(random_state=0).fit(X)
        >>> model.inverse_transform(model.transform(X)).shape
        (50, 3)
        """
        check_is_fitted(self)
        codes = check_codes(self, X, self._n_features_out)
        parts = [
            self._encoding.decode(self.autoencoder_.inverse_transform(codes[rows]))
            for rows in slices(len(codes), len(self.feature_groups_))
        ]
        columns = map(np.concatenate, zip(*parts, strict=True))
        return self._encoding.table_of(list(columns))

    def reconstruct(self, X: Any) -> Any:
        """Encode rows and decode the codes.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        table : data frame or ndarray of shape (n_samples, n_features)
            What the code of each row keeps of it; see `inverse_transform`. It has the
            index of X.

        See Also
        --------
        reconstruction_error : How far that is from X, column by column.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(50, 3))
        >>> TableDenoisingAutoencoder(random_state=0).fit(X).reconstruct(X).shape
        (50, 3)
        """
        features, _ = self._read(X)
        table = self.inverse_transform(self.autoencoder_.transform(features))
        if hasattr(table, "iloc") and hasattr(X, "iloc"):
            table.index = X.index
        return table

    def reconstruction_error(self, X: Any) -> FloatArray:
        """Return the error of every entry, to find the guilty column.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        errors : ndarray of shape (n_samples, n_features)
            (z - x)^2 of what a column becomes, summed over its features: of a number
            in units of its spread in training, of a category the squared distance of
            the levels' probabilities from the level that is there, from 0 to 2. 0 where
            X is missing.

        See Also
        --------
        score_samples : Of each row.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(50, 3))
        >>> model = TableDenoisingAutoencoder(random_state=0).fit(X)
        >>> model.reconstruction_error(X).shape
        (50, 3)
        """
        errors, _ = self._errors(X)
        return errors

    def score_samples(self, X: Any) -> FloatArray:
        """Score each row by how well it is reconstructed.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Minus half the sum of a row's `reconstruction_error`: higher is better and 0
            is perfect. Of a row with missing entries it is that of the others, times
            n_features over their number; of a row without others it is 0.

        See Also
        --------
        reconstruction_error : Of every entry.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(50, 3))
        >>> TableDenoisingAutoencoder(random_state=0).fit(X).score_samples(X).shape
        (50,)
        """
        errors, missing = self._errors(X)
        n_observed = (~missing).sum(axis=1)
        scaled = errors.sum(axis=1) * errors.shape[1] / np.maximum(n_observed, 1)
        return np.subtract(0, scaled / 2)  # -0.0 would look odd

    def score(self, X: Any, y: object = None) -> float:
        """Return the mean of `score_samples`.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            Rows.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        score : float
            Higher is better.

        See Also
        --------
        score_samples : Of every row.

        Examples
        --------
        >>> X = np.random.default_rng(0).normal(size=(50, 3))
        >>> TableDenoisingAutoencoder(random_state=0).fit(X).score(X) < 0
        True
        """
        return float(self.score_samples(X).mean())

    def _read(self, X: Any) -> tuple[Any, NDArray[np.bool_]]:
        """Return encoded rows, and which entries are missing."""
        check_is_fitted(self)
        fitted_with = self._fitted_with
        table = read_table(
            self,
            X,
            fitted_with["missing_values"],
            reset=False,
            opaque=fitted_with["opaque"],
        )
        single = getattr(table.source, "dtype", None) == np.float32
        return self._encoding.encode(table, np.float32 if single else np.float64)

    def _errors(self, X: Any) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Return the error of every entry, and which are missing."""
        features, missing = self._read(X)
        errors = np.zeros(missing.shape, features.dtype)
        for rows in slices(*features.shape):
            squares = self.autoencoder_.reconstruction_error(features[rows])
            for group, place in self._encoding.blocks():
                errors[rows, group.place] = squares[:, place].sum(axis=1)
        errors[missing] = 0
        return errors, missing

    @property
    def _n_features_out(self) -> int:
        return len(self.autoencoder_.get_feature_names_out())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = is_nothing(self.missing_values)
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def default_autoencoder(n_rows: int) -> DenoisingAutoencoder:
    """Return the model that is used where none is given."""
    return DenoisingAutoencoder(
        512,
        corruption="swap",
        corruption_level=0.15,
        tied_weights=False,
        alpha=min(max(10 / n_rows, 0.001), 0.03),
    )


def choose(
    settings: SimpleNamespace,
    categories: list[bool],
    own: dict[int, Any],
    rng: np.random.Generator,
) -> dict[int, Any]:
    """Return the encoder of each column, not yet fitted."""
    numeric, categorical = settings.numeric_encoder, settings.categorical_encoder
    if numeric is None:
        numeric = by_size(max(1, len(categories) - sum(categories)))
    if categorical is None:
        categorical = by_level()
    usual = (categorical if is_category else numeric for is_category in categories)
    chosen = dict(enumerate(usual)) | own
    return {place: seeded(encoder, rng) for place, encoder in chosen.items()}


def by_level() -> Any:
    """Return the encoder of a category that is used where none is given."""
    # Here, because it takes longer to import than the whole package.
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=RARE, max_categories=256
    )


def by_size(n_columns: int) -> Any:
    """Return the encoder of numbers that is used where none is given."""
    return BinnedNumbers(min(MOST_BINS, MOST_BINS_OF_ALL // n_columns))
