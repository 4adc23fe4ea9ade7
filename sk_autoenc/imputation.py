"""DenoisingImputer: fills the holes of tables. No derivative here."""

import warnings
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sk_autoenc import filling
from sk_autoenc._compat import feature_names_in, in_container
from sk_autoenc._typing import Activation, CategoricalFeatures, FloatArray, RandomState
from sk_autoenc.base import adopt, draw_entropy, generator, is_fitted
from sk_autoenc.estimator import Estimator
from sk_autoenc.table_validation import (
    IMPUTER_CONSTRAINTS,
    check_bounds,
    check_hidden_fraction,
    check_hidden_layer_sizes,
    check_names_of_indicator,
)
from sk_autoenc.tables.column_facts import facts_of_parts
from sk_autoenc.tables.columns import Column
from sk_autoenc.tables.encoding import Encoding
from sk_autoenc.tables.reading import Table, is_nothing, read_table
from sk_autoenc.tables.writing import complete
from sk_autoenc.validation import caller_level, check_settings

SCORED_FRACTION = 0.3
"""Share of the observed entries that `score` hides."""
SCORE, SAMPLE = 2**32 - 20, 2**32 - 21
"""Name streams of random numbers: of `score`, and of rows that are learned from."""


class DenoisingImputer(TransformerMixin, Estimator):
    """Fill missing entries with a denoising autoencoder.

    Several small networks learn to restore the entries that are hidden from them at
    random; beside them a Gaussian gives the best linear guess. How far each is to be
    trusted is measured on held-out rows, so that on columns that say nothing of each
    other the mean is left. Numbers get their expected value, categories their most
    probable level.

    Read more in ``doc/guide_tables.md``; ``doc/results.md`` compares it with others.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default=(128, 128)
        Units of each hidden layer; () is a linear network.

    missing_values : int, float, str, numpy.nan, None or pandas.NA, default=numpy.nan
        What stands for a missing entry. NaN, None and NA stand for each other.

    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Which columns hold categories. "from_dtype": those of a data frame whose type is
        category, enum or bool, and those of strings or objects that are not all
        numbers. None: none. Else names or numbers of columns, or a bool for each.

    hidden_fraction : tuple of two floats, default=(0.1, 0.9)
        In training an own share of the entries of each row is hidden, drawn uniformly
        between these at each step.

    activation : {"relu", "logistic", "tanh", "identity"}, default="relu"
        Activation of the hidden units.

    n_estimators : int, default=3
        Number of networks, whose mean is taken.

    max_steps : int, default=4000
        Steps of training of each network, whatever the number of rows, while the rate
        falls to 0 along half a cosine (rounded up to whole epochs).

    batch_size : int or "auto", default="auto"
        Rows of a step; "auto" is a twentieth of the rows, from 16 to 128.

    learning_rate_init : float, default=0.002
        Step size of Adam at the start.

    weight_decay : float, default=0.3
        At each step all parameters shrink by this times the rate.

    n_bins : int, default=16
        Each number is also given to the networks as so many pieces between its
        quantiles, which lets them bend where data are dense; 0: not. With many columns
        there are fewer.

    n_imputations : int, default=1
        How many tables `sample_imputations` gives.

    sample_posterior : bool, default=False
        Whether `transform` draws each missing entry from what it may be, instead of
        giving its expected value or most probable level: a number is the expected value
        and an error that was made on a held-out row, a level is drawn by its
        probability. The draws depend on `random_state` alone.

    min_value, max_value : float, array-like of shape (n_features,) or None, \
            default=None
        Bounds that filled numbers are cut at, one for all columns or one for each.

    keep_integers : bool, default=False
        Whether columns of which all observed numbers are whole get whole numbers. A
        data frame's columns of an integer type always do.

    add_indicator : bool, default=False
        Whether to append a column of bools for each column with holes in training, as
        `MissingIndicator` makes them.

    keep_empty_features : bool, default=False
        Whether to keep columns without any observed value in training, filled with 0.
        Else they are dropped.

    early_stopping : bool, default=False
        Whether to keep of each network the parameters that were best on its held-out
        rows. It rarely helps: the last, small steps gain most.

    validation_fraction : float, default=0.1
        Share of rows, others for each network, on which it is judged and not trained.

    random_state : int, RandomState instance or None, default=None
        Decides initial weights, batches, what is hidden and held out, and draws.

    verbose : int, default=0
        1 prints what each part is trusted, 2 also the loss of each epoch.

    Attributes
    ----------
    blend_ : ndarray of shape (2,)
        Weights of the Gaussian's guess and of the networks' mean, each measured from
        the mean of the column; what is missing to 1 is the mean's. From held-out rows.

    statistics_ : ndarray of shape (n_features,)
        Mean of each column, or most frequent level; NaN or None if nothing was seen.

    indicator_ : MissingIndicator or None
        Used with `add_indicator`.

    loss_curves_ : list of list of float
        Mean training loss per row of every epoch of each network.

    n_iter_ : int
        Epochs that each network was trained.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during fit. Defined only if X has feature names that
        are all strings.

    See Also
    --------
    sklearn.impute.KNNImputer : Faster, and usually worse.
    sklearn.impute.IterativeImputer : A model of each column by the others.
    DenoisingAutoencoder : Codes of rows, which may have holes too.

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol, "Extracting and
       Composing Robust Features with Denoising Autoencoders", ICML 2008.
       :doi:`10.1145/1390156.1390294`
    .. [2] Y. Gorishniy, I. Rubachev, A. Babenko, "On Embeddings for Numerical Features
       in Tabular Deep Learning", NeurIPS 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_autoenc import DenoisingImputer
    >>> x = np.linspace(-1, 1, 200)
    >>> X = np.column_stack([x, x**2, -x])
    >>> X[::7, 1] = np.nan
    >>> filled = DenoisingImputer(max_steps=500, random_state=0).fit_transform(X)
    >>> bool(np.abs(filled[:, 1] - x**2).max() < 0.3)
    True
    """

    n_features_in_: int
    feature_names_in_: NDArray[np.object_]
    blend_: FloatArray
    statistics_: NDArray[Any]
    indicator_: Any
    loss_curves_: list[list[float]]
    n_iter_: int

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] = (128, 128),
        *,
        missing_values: Any = np.nan,
        categorical_features: CategoricalFeatures = "from_dtype",
        hidden_fraction: tuple[float, float] = (0.1, 0.9),
        activation: Activation = "relu",
        n_estimators: int = 3,
        max_steps: int = 4000,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate_init: float = 0.002,
        weight_decay: float = 0.3,
        n_bins: int = 16,
        n_imputations: int = 1,
        sample_posterior: bool = False,
        min_value: ArrayLike | None = None,
        max_value: ArrayLike | None = None,
        keep_integers: bool = False,
        add_indicator: bool = False,
        keep_empty_features: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.missing_values = missing_values
        self.categorical_features = categorical_features
        self.hidden_fraction = hidden_fraction
        self.activation = activation
        self.n_estimators = n_estimators
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.weight_decay = weight_decay
        self.n_bins = n_bins
        self.n_imputations = n_imputations
        self.sample_posterior = sample_posterior
        self.min_value = min_value
        self.max_value = max_value
        self.keep_integers = keep_integers
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: object = None) -> Self:
        """Learn to fill the holes of X.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            Numbers, categories and missing entries.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : DenoisingImputer
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or X is not valid, or if the loss stops being finite. The
            estimator then is as it was before the call.

        See Also
        --------
        transform : Fill holes, of these rows or others.

        Examples
        --------
        >>> X = [[1.0, 2.0], [3.0, np.nan], [5.0, 6.0], [7.0, 8.0]]
        >>> DenoisingImputer(max_steps=10, random_state=0).fit(X).statistics_
        array([4.        , 5.33333333])
        """
        settings = self._settings(reset=True)
        table, learned = self._read(X, reset=True)

        def each(look: Any, *lists: list[Any]) -> list[Any]:
            return [look(table, *(given[0] for given in lists))]

        adopt(self, self._learned_by_sums(settings, learned, each))
        return self

    def transform(self, X: Any) -> Any:
        """Fill the holes of X.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            Rows, those of training or others. A level that training has not seen is
            taken as missing.

        Returns
        -------
        filled : data frame or ndarray of shape (n_samples, n_features_out)
            What was observed, as it was, and values in its holes; a data frame if X is
            one, with the same types. Then the indicator's columns, if any.

        See Also
        --------
        sample_imputations : Several tables, whose spread says how sure that is.

        Examples
        --------
        >>> X = [[1.0, 2.0], [3.0, np.nan], [5.0, 6.0], [7.0, 8.0]]
        >>> imputer = DenoisingImputer(max_steps=10, random_state=0).fit(X)
        >>> imputer.transform([[np.nan, 1.0]]).shape
        (1, 2)
        """
        check_is_fitted(self)
        table, values, observed = self._encoded(X)
        self._warn_of_empty()
        filled = self._filler.expected(values, observed)
        if self.sample_posterior:
            filled = self._filler.draw(filled, self._posterior_rng())
        return self._completed(table, observed, filled)

    def sample_imputations(self, X: Any) -> list[Any]:
        """Fill the holes of X several times, each time by draws.

        Multiple imputation: do with each of the tables what is to be done, and compare
        the results. Draws are of each entry alone.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        tables : list of `n_imputations` tables
            Each as `transform` gives it with ``sample_posterior=True``; that is the
            first.

        See Also
        --------
        transform : One table.

        Examples
        --------
        >>> X = [[1.0, 2.0], [3.0, np.nan], [5.0, 6.0], [7.0, 8.0]]
        >>> imputer = DenoisingImputer(max_steps=10, n_imputations=5, random_state=0)
        >>> len(imputer.fit(X).sample_imputations(X))
        5
        """
        check_is_fitted(self)
        check_settings(self, IMPUTER_CONSTRAINTS)
        table, values, observed = self._encoded(X)
        self._warn_of_empty()
        filled = self._filler.expected(values, observed)
        rng = self._posterior_rng()
        return [
            in_container(
                "transform",
                self._completed(table, observed, self._filler.draw(filled, rng)),
                X,
                self,
            )
            for _ in range(int(self.n_imputations))
        ]

    def score(self, X: Any, y: object = None) -> float:
        """Return minus the error on entries that are hidden from X.

        So searches tune without labels.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            Rows. Of their observed entries a share of 0.3 is hidden, the same at every
            call for the same `random_state` and shape of X.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        score : float
            Minus the mean over the hidden entries of: for a number the squared error
            over the variance of its column in training, for a category 1 if the level
            is wrong. Filling in the mean has about -1 for numbers.

        See Also
        --------
        transform : Fill in.

        Examples
        --------
        >>> x = np.linspace(-1, 1, 200)
        >>> X = np.column_stack([x, -x, 2 * x])
        >>> DenoisingImputer(max_steps=100, random_state=0).fit(X).score(X) > -0.2
        True
        """
        check_is_fitted(self)
        _, values, observed = self._encoded(X)
        rng = generator(self._entropy, SCORE)
        visible, hidden = filling.hide(observed, SCORED_FRACTION, rng)
        if not hidden.any():
            raise ValueError(
                f"X of shape {hidden.shape} has too few observed entries to hide some "
                "and score how they are filled. Pass more rows."
            )
        filled = self._filler.expected(values, visible)
        n = len(self._encoding.numbers)
        errors = (filled[:, :n] - values[:, :n])[hidden[:, :n]] ** 2
        pairs = zip(
            self._encoding.blocks(filled), self._encoding.blocks(values), strict=True
        )
        wrong = [
            (guess.argmax(axis=1) != truth.argmax(axis=1))[hidden[:, n + block]]
            for block, ((_, guess), (_, truth)) in enumerate(pairs)
        ]
        return -float(np.concatenate([errors, *wrong]).mean(dtype=np.float64))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns of X; None: those seen in fit, or x0, x1, ...

        Returns
        -------
        names : ndarray of str objects
            Of the kept columns, and "missingindicator_" before those of the indicator.

        See Also
        --------
        transform : What they are the names of.

        Examples
        --------
        >>> X = [[1.0, 2.0], [3.0, np.nan], [5.0, 6.0], [7.0, 8.0]]
        >>> imputer = DenoisingImputer(max_steps=10, add_indicator=True, random_state=0)
        >>> imputer.fit(X).get_feature_names_out()
        array(['x0', 'x1', 'missingindicator_x1'], dtype=object)
        """
        check_is_fitted(self)
        names = np.asarray(feature_names_in(self, input_features), object)
        kept = names[self._kept()]
        if self.indicator_ is None:
            return kept
        of_indicator = [
            f"missingindicator_{names[k]}" for k in self.indicator_.features_
        ]
        return np.concatenate([kept, np.array(of_indicator, object)])

    def _settings(self, reset: bool) -> SimpleNamespace:
        settings = check_settings(self, IMPUTER_CONSTRAINTS)
        settings.hidden_layer_sizes = check_hidden_layer_sizes(self.hidden_layer_sizes)
        settings.hidden_fraction = check_hidden_fraction(self.hidden_fraction)
        return settings

    def _read(self, X: Any, reset: bool) -> tuple[Table, dict[str, Any]]:
        shadow = type(self)()  # validation sets attributes: not yet on the estimator
        table = read_table(shadow, X, self.missing_values, reset=True)
        learned = {k: v for k, v in vars(shadow).items() if is_fitted(k)}
        return table, learned

    def _learned_by_sums(
        self,
        settings: SimpleNamespace,
        learned: dict[str, Any],
        each: Callable[..., list[Any]],
    ) -> dict[str, Any]:
        """Return the fitted attributes.

        ``each(function, *lists)`` -> list of what a function returns of the parts of
        the table, with arguments for each: statistics of all rows add up, and networks
        learn from as many rows as their steps can see.
        """
        facts = facts_of_parts(each, self.categorical_features)
        if facts.n_rows < 2:
            raise ValueError(
                "X has 1 sample, but DenoisingImputer needs at least 2 to learn what "
                "columns say of each other."
            )
        columns = facts.described()
        names = [column.name for column in columns]
        bounds = check_bounds(self.min_value, self.max_value, len(names))
        encoding = Encoding(columns)
        if not encoding.places:
            raise ValueError(
                "Every entry of X is missing: there is nothing to learn from. Pass "
                "rows with some observed entries."
            )
        entropy = draw_entropy(settings.random_state)
        chosen = choose_rows(settings, each(number_of_rows), entropy)
        encoded = each(partial(encode_some, encoding), chosen)
        values, observed = map(np.concatenate, zip(*encoded, strict=True))
        filler = filling.learn(
            settings, encoding.column_of, encoding.n_levels, values, observed, entropy
        )
        if settings.verbose:
            print(
                f"Weights: Gaussian {filler.blend[0]:.3f}, networks "
                f"{filler.blend[1]:.3f}"
            )
        indicator = None
        if settings.add_indicator:
            check_names_of_indicator(names)
            indicator = indicator_of(facts.has_holes)
        return learned | {
            "_entropy": entropy,
            "_encoding": encoding,
            "_filler": filler,
            "_fitted_with": {
                "missing_values": self.missing_values,
                "bounds": bounds,
                "keep_integers": settings.keep_integers,
                "keep_empty_features": settings.keep_empty_features,
            },
            "blend_": filler.blend,
            "statistics_": statistics(columns),
            "indicator_": indicator,
            "loss_curves_": filler.loss_curves,
            "n_iter_": max(map(len, filler.loss_curves)),
        }

    def _encoded(self, X: Any) -> tuple[Table, FloatArray, NDArray[np.bool_]]:
        table = read_table(self, X, self._fitted_with["missing_values"], reset=False)
        values, observed = self._encoding.encode(table)
        return table, values, observed

    def _posterior_rng(self) -> np.random.Generator:
        return generator(self._entropy, filling.POSTERIOR)

    def _kept(self) -> list[int]:
        """Return the places of the columns that are given back."""
        columns = self._encoding.columns
        if self._fitted_with["keep_empty_features"]:
            return list(range(len(columns)))
        return [k for k, column in enumerate(columns) if not column.is_empty]

    def _completed(
        self, table: Table, observed: NDArray[np.bool_], filled: FloatArray
    ) -> Any:
        """Write filled entries into a table, and add what the indicator says."""
        holes = np.zeros(table.missing.shape, bool)
        holes[:, self._encoding.places] = ~observed
        table = table._replace(missing=holes | table.missing)
        completed = complete(table, self._values(table, filled), self._kept())
        if self.indicator_ is None:
            return completed
        flags = self.indicator_.transform(np.where(table.missing, np.nan, 0.0))
        n_kept = len(self._kept())
        return append(completed, flags, self.get_feature_names_out()[n_kept:])

    def _values(self, table: Table, filled: FloatArray) -> list[Any]:
        """Return for each column what belongs into its holes."""
        encoding, (smallest, largest) = self._encoding, self._fitted_with["bounds"]
        values: list[Any] = [
            np.zeros(table.missing[:, k].sum()) for k in range(len(encoding.columns))
        ]
        for entry, place in enumerate(encoding.numbers):
            numbers = encoding.numbers_of(place, filled[table.missing[:, place], entry])
            low, high = smallest[place], largest[place]
            is_whole = (
                encoding.columns[place].is_whole and self._fitted_with["keep_integers"]
            )
            if is_whole or table.integers[place]:
                numbers, low, high = np.round(numbers), np.ceil(low), np.floor(high)
            values[place] = np.clip(numbers, low, high)
        for place, probabilities in encoding.blocks(filled):
            best = probabilities[table.missing[:, place]].argmax(axis=1)
            values[place] = encoding.columns[place].levels[best]
        return values

    def _warn_of_empty(self) -> None:
        dropped = [c.name for c in self._encoding.columns if c.is_empty]
        if dropped and not self._fitted_with["keep_empty_features"]:
            warnings.warn(
                f"Skipping features without any observed values: {dropped}. Use "
                "keep_empty_features=True to keep them, filled with 0.",
                stacklevel=caller_level(),
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = is_nothing(self.missing_values)
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def number_of_rows(table: Table) -> int:
    """Return the number of rows of a part."""
    return table.n_rows


def choose_rows(
    settings: SimpleNamespace, n_rows: list[int], entropy: list[int]
) -> list[Any]:
    """Choose rows of each part: all, unless they are more than the steps can see."""
    batch_size = settings.batch_size
    if batch_size == "auto":
        batch_size = filling.LARGEST_BATCH
    n_wanted = settings.max_steps * batch_size
    if sum(n_rows) <= n_wanted or len(n_rows) == 1:
        return [slice(None)] * len(n_rows)
    rng = generator(entropy, SAMPLE)
    n_chosen = rng.multivariate_hypergeometric(n_rows, n_wanted)
    return [
        np.sort(rng.choice(n, k, replace=False))
        for n, k in zip(n_rows, n_chosen, strict=True)
    ]


def encode_some(
    encoding: Encoding, table: Table, rows: Any
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Encode some rows of a part."""
    values, observed = encoding.encode(table)
    return values[rows], observed[rows]


def indicator_of(has_holes: NDArray[np.bool_]) -> Any:
    """Make an indicator of the columns that have holes."""
    # Here, because it takes longer to import than the whole package.
    from sklearn.impute import MissingIndicator

    holes = np.where(has_holes, np.nan, 0.0)
    return MissingIndicator(error_on_new=False).fit(holes[None])


def statistics(columns: list[Column]) -> NDArray[Any]:
    """Return mean or most frequent level of each column."""
    values = [c.mean if c.levels is None else c.most_frequent for c in columns]
    if all(column.levels is None for column in columns):
        return np.array(values, float)
    array = np.empty(len(values), object)
    array[:] = values
    return array


def append(table: Any, flags: NDArray[np.bool_], names: NDArray[np.object_]) -> Any:
    """Append columns of bools to a table."""
    if isinstance(table, np.ndarray):
        dtype = str if table.dtype.kind == "U" else table.dtype
        return np.hstack([table, flags.astype(dtype)])
    table = table.copy() if hasattr(table, "copy") else table.clone()
    for name, flag in zip(names, flags.T, strict=True):
        if hasattr(table, "iloc"):
            table[name] = flag
        else:
            table = table.with_columns(type(table.get_columns()[0])(name, flag))
    return table
