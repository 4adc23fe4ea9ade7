"""LeafVectorizer: from trees with tokens at their leaves to a Forest, and back."""

import copy
import warnings
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sk_autoenc._typing import (
    AnyTree,
    FloatArray,
    FloatDType,
    HandleUnknown,
    LeafVectorsName,
    RandomState,
    TreesLike,
)
from sk_autoenc.array_validation import refuse_other_arrays
from sk_autoenc.base import adopt, draw_entropy
from sk_autoenc.estimator import Estimator
from sk_autoenc.tree_validation import LEAF_CONSTRAINTS
from sk_autoenc.trees.arrays import frozen
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.leaf_sources import leaf_sources
from sk_autoenc.trees.leaves import table_dtype
from sk_autoenc.trees.nested import nest
from sk_autoenc.trees.records import Records, learn_records
from sk_autoenc.trees.token_table import Settings, TokenTable, learn_table
from sk_autoenc.trees.token_trees import TokenTrees, read_token_trees
from sk_autoenc.trees.vectors import FOR_TOKENS
from sk_autoenc.validation import caller_level, check_settings

PUBLIC = ("vocabulary_", "token_counts_", "table_", "unknown_row_")
"""Fitted attributes that a user sees."""


class LeafVectorizer(  # type: ignore[call-arg]  # scikit-learn has no types
    TransformerMixin, Estimator, auto_wrap_output_keys=None
):
    """Put vectors in the place of the tokens of trees.

    Trees of words, names, types or numbers become a `Forest`, which the estimators of
    trees take. Its leaves are rows of one table with a vector for each token, so that
    a token costs its vector once, however often it stands. Trees are nested tuples of
    tokens, or of any kind that `read_tree` knows: of nltk, `ast`, lxml, networkx and
    others.

    Read more in ``doc/guide_trees.md``.

    Parameters
    ----------
    vectors : {"one_hot", "hashing", "random"}, mapping, DataFrame, array-like, \
callable or dict of columns, default="one_hot"
        The vector of each token.

        - "one_hot": a column for each token, the most frequent `n_features` of them.
        - "hashing": 1 or -1 in one of `n_features` columns, both by a hash of the
          token [1]_. Nothing is learned, and other tokens may have the same vector.
        - "random": `n_features` random numbers of mean 0 and variance 1 / n_features,
          which follow from the token and `random_state` alone. The natural start for
          estimators that learn their leaves.
        - A mapping from tokens to vectors: a dict, gensim's KeyedVectors, anything
          with ``in`` and ``[]``. It is not copied, nor cloned.
        - A DataFrame of pandas with the tokens as its index. (Of many words better
          than a dict, of which scikit-learn prints every item to show an estimator.)
        - An array of shape (n_tokens, n_features), for leaves that are integers, the
          numbers of its rows.
        - A function of a token; None is no vector.
        - For leaves that are records (dicts), a dict of columns: key -> any of the
          above, "number" or "log_number". Numbers are standardised over the leaves of
          training, after their logarithm (of 1 plus their size, with the sign) with
          "log_number". A vector is that of all keys, one after the other. A key that a
          record lacks, or has None or NaN at, gives zeros, for numbers their mean;
          other keys of records do not matter. Trees may be nested tuples of records,
          or records that hold others, as in JSON: then a dict with one of the keys is
          a node, and its own first leaf.
    n_features : int or None, default=None
        Of "one_hot", the most tokens that get a column; of "hashing" and "random", the
        length of the vectors. None is 2000, 256 and 100. Vectors that are given have a
        length of their own.
    handle_unknown : {"zeros", "mean", "error", "learn"}, default="zeros"
        The vector of tokens that are unknown: those rarer than `min_count`, those too
        many for "one_hot", those that fit has not seen, and those without a vector
        in what is given. Tokens that fit has not seen are known if they have a vector
        all the same: in what is given, and, with ``min_count=1``, by "hashing" and
        "random".

        - "zeros": zeros.
        - "mean": the mean of the vectors of the known tokens.
        - "error": a ValueError that names the tree, the path and the token.
        - "learn": one vector for all of them, so that an estimator that learns its
          leaves learns it: a column of its own with "one_hot", the vector of one more
          token with "hashing" and "random", at first the mean if vectors are given.
          Tokens that fit has not seen are then unknown, except in what is given.
    lowercase : bool, default=False
        Whether to make strings lower case.
    min_count : int, default=1
        Tokens at fewer leaves in fit are unknown. Not for vectors that are given.
    dtype : {"float32", "float64"}, default="float32"
        Of the vectors.
    random_state : int, RandomState instance or None, default=None
        Decides the vectors of "random". With the same int a token has the same vector
        in every fit, whatever the other tokens.

    Attributes
    ----------
    vocabulary_ : dict
        Token -> row of `table_`, the most frequent first, as they appear where they
        are equally frequent. For records: key -> such a dict, without the keys of
        numbers.
    token_counts_ : ndarray of shape (n_tokens,)
        Leaves of each token of `vocabulary_` in fit. Not for records.
    table_ : ndarray of shape (n_rows, n_features)
        The vectors of the known tokens, then that of unknown ones. All forests have it
        as their `leaf_table`, the very same array, unless they have tokens that are not
        in it but have a vector; it then begins theirs. Not for records, of which each
        forest has a table of its distinct ones.
    unknown_row_ : int or None
        The row of tokens that are unknown; None with ``handle_unknown="error"``. Not
        for records.

    See Also
    --------
    read_tree : Tokens of trees of other libraries.
    map_leaves : Vectors in the place of tokens, by a function.
    sklearn.feature_extraction.text.CountVectorizer : The bag of the words.

    Notes
    -----
    Tokens that are equal are one: 1, 1.0 and True are. So are all NaN, whose token is
    "nan".

    There is no `n_features_in_`: trees have no features, as the texts of
    `CountVectorizer` have none. `set_output` changes nothing: a `Forest` is no frame.

    References
    ----------
    .. [1] K. Weinberger, A. Dasgupta, J. Langford, A. Smola, J. Attenberg, "Feature
       Hashing for Large Scale Multitask Learning", ICML 2009.
       :doi:`10.1145/1553374.1553516`

    Examples
    --------
    >>> from sk_autoenc import LeafVectorizer
    >>> trees = [(("the", "cat"), "sat"), (("the", "dog"), ("sat", "down"))]
    >>> vectorizer = LeafVectorizer()
    >>> forest = vectorizer.fit_transform(trees)
    >>> forest
    Forest(n_trees=2, n_nodes=12, n_leaves=7, n_features=5, dtype=float32)
    >>> vectorizer.vocabulary_
    {'the': 0, 'sat': 1, 'cat': 2, 'dog': 3, 'down': 4}
    >>> vectorizer.inverse_transform(forest)[0]
    (('the', 'cat'), 'sat')

    Query plans, whose leaves are records:

    >>> columns = {"op": "one_hot", "rows": "log_number"}
    >>> scan = {"op": "scan", "rows": 1000}
    >>> plans = [{"op": "sort", "rows": 10, "of": [scan]}, scan, {"op": "sort"}]
    >>> forest = LeafVectorizer(columns).fit_transform(plans)
    >>> forest.leaf_vectors().round(1)
    array([[ 1. ,  0. , -1.4],
           [ 0. ,  1. ,  0.7],
           [ 0. ,  1. ,  0.7],
           [ 1. ,  0. ,  0. ]], dtype=float32)
    """

    vocabulary_: dict[Any, Any]
    token_counts_: NDArray[np.intp]
    table_: FloatArray
    unknown_row_: int | None
    _encoding: TokenTable | Records

    def __init__(
        self,
        vectors: LeafVectorsName | Any = "one_hot",
        *,
        n_features: int | None = None,
        handle_unknown: HandleUnknown = "zeros",
        lowercase: bool = False,
        min_count: int = 1,
        dtype: FloatDType = "float32",
        random_state: RandomState = None,
    ) -> None:
        self.vectors = vectors
        self.n_features = n_features
        self.handle_unknown = handle_unknown
        self.lowercase = lowercase
        self.min_count = min_count
        self.dtype = dtype
        self.random_state = random_state

    def fit(self, X: TreesLike, y: object = None) -> Self:
        """Learn the tokens of trees, and their vectors.

        Parameters
        ----------
        X : list, tuple, 1-D object array or Series of trees
            Nested tuples of tokens (anything hashable), or trees that `read_tree`
            knows. One tree alone is ``[tree]``.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : LeafVectorizer
            The fitted vectorizer.

        Raises
        ------
        TypeError
            X is no sequence of trees, or `vectors` gives none.
        ValueError
            A parameter, a tree or a vector is wrong, no token is known, or one is
            unknown with ``handle_unknown="error"``. The message says where, and the
            vectorizer is as it was.

        Warns
        -----
        UserWarning
            With ``vectors="one_hot"`` and ``n_features=None``, there are more than
            2000 tokens: the others are unknown.

        See Also
        --------
        transform : The trees with vectors at their leaves.

        Examples
        --------
        >>> from sk_autoenc import LeafVectorizer
        >>> vectorizer = LeafVectorizer("random", n_features=3, random_state=0)
        >>> vectorizer.fit([("a", ("b", "a"))]).table_.shape
        (3, 3)
        """
        self._learn(X)
        return self

    def fit_transform(self, X: TreesLike, y: object = None) -> Forest:
        """Learn the tokens of trees, and give these trees with their vectors.

        Parameters
        ----------
        X : list, tuple, 1-D object array or Series of trees
            As for `fit`.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        forest : Forest
            As of `transform`, but the trees are read once.

        See Also
        --------
        fit : What raises what.

        Examples
        --------
        >>> from sk_autoenc import LeafVectorizer
        >>> LeafVectorizer().fit_transform([("a", ("b", "a"))])
        Forest(n_trees=1, n_nodes=5, n_leaves=3, n_features=2, dtype=float32)
        """
        return self._learn(X)

    def transform(self, X: TreesLike) -> Forest:
        """Put vectors in the place of tokens.

        Parameters
        ----------
        X : list, tuple, 1-D object array or Series of trees
            As for `fit`.

        Returns
        -------
        forest : Forest
            The same shapes. Its `leaf_row` has the rows of the tokens, and its
            `leaf_table` is `table_`, or begins with it.

        Raises
        ------
        TypeError, ValueError
            As `fit`.

        See Also
        --------
        inverse_transform : Back to tokens.

        Examples
        --------
        >>> from sk_autoenc import LeafVectorizer
        >>> vectorizer = LeafVectorizer().fit([("a", ("b", "a"))])
        >>> forest = vectorizer.transform([("b", "c")])
        >>> forest.leaf_vectors()
        array([[0., 1.],
               [0., 0.]], dtype=float32)
        >>> forest.leaf_table is vectorizer.table_
        True
        """
        check_is_fitted(self)
        refuse_other_arrays(X)
        encoding = self._encoding
        keys = encoding.columns if isinstance(encoding, Records) else None
        trees = read_token_trees(X, keys)
        rows, table = encoding.rows(trees.leaves, trees.where)
        return trees.forest(table, rows)

    def inverse_transform(self, X: Forest | TreesLike) -> list[AnyTree]:
        """Put the nearest token in the place of each vector.

        Parameters
        ----------
        X : Forest, or list of trees
            Trees with vectors at their leaves, as an autoencoder gives them back.

        Returns
        -------
        trees : list of tuple or token
            The same shapes, as nested tuples. The token of a leaf is that whose vector
            is nearest by Euclid, the more frequent of equally near ones; None of a
            vector that is exactly that of unknown tokens. A leaf that is a record has
            the nearest token of each key, and numbers.

        Raises
        ------
        ValueError
            X is no list of such trees, or its vectors have another length.

        See Also
        --------
        transform : From tokens to vectors.

        Examples
        --------
        >>> from sk_autoenc import LeafVectorizer
        >>> vectorizer = LeafVectorizer().fit([("a", ("b", "a"))])
        >>> vectorizer.inverse_transform([([0.9, 0.2], ([0.1, 0.3],))])
        [('a', ('b',))]
        """
        check_is_fitted(self)
        encoding, forest = self._encoding, trees_of_vectors(X)
        if forest.n_features != encoding.n_features:
            raise ValueError(
                f"the leaf vectors of X have length {forest.n_features}, but those of "
                f"this LeafVectorizer {encoding.n_features}"
            )
        used = np.unique(forest.leaf_row[forest.leaves])
        nearest = encoding.nearest(forest.leaf_table[used])
        return nest(forest, dict(zip(used.tolist(), nearest, strict=True)))

    def get_feature_names_out(
        self, input_features: ArrayLike | None = None
    ) -> NDArray[np.object_]:
        """Return the names of the entries of the vectors.

        Parameters
        ----------
        input_features : Ignored
            Trees have no features.

        Returns
        -------
        names : ndarray of str objects
            The tokens with "one_hot", the columns of a DataFrame, else
            "leafvectorizer" and a number. For records the key, and, but for numbers,
            an underscore and one of these.

        See Also
        --------
        transform : The vectors have these entries.

        Examples
        --------
        >>> from sk_autoenc import LeafVectorizer
        >>> columns = {"op": "one_hot", "rows": "number"}
        >>> scan = {"op": "scan", "rows": 1000}
        >>> LeafVectorizer(columns).fit([(scan, scan)]).get_feature_names_out()
        array(['op_scan', 'rows'], dtype=object)
        """
        check_is_fitted(self)
        names = self._encoding.names(type(self).__name__.lower())
        return np.array(names, dtype=object)

    def set_output(
        self, *, transform: Literal["default", "pandas", "polars"] | None = None
    ) -> Self:
        """Change nothing: what comes out is a Forest, whatever the container.

        So that a pipeline of which this is a step can be asked for data frames.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Ignored.

        Returns
        -------
        self : LeafVectorizer
            The vectorizer.

        See Also
        --------
        transform : Gives a Forest.

        Examples
        --------
        >>> from sk_autoenc import LeafVectorizer
        >>> vectorizer = LeafVectorizer().set_output(transform="pandas")
        >>> type(vectorizer.fit_transform([("a", "b")])).__name__
        'Forest'
        """
        return self

    def _learn(self, X: TreesLike) -> Forest:
        """Fit, and give the trees of X."""
        refuse_other_arrays(X)
        settings = self._settings()
        sources = leaf_sources(self.vectors, settings.n_features)
        trees = read_token_trees(X, sources if isinstance(sources, dict) else None)
        refuse_texts(trees)
        encoding: TokenTable | Records
        if isinstance(sources, dict):
            encoding = learn_records(sources, trees.leaves, settings, trees.where)
        else:
            encoding = learn_table(sources, trees.leaves, settings, trees.where)
        rows, table = encoding.rows(trees.leaves, trees.where)
        if self.n_features is None:
            warn_if_left_out(encoding)
        adopt(self, public_attributes(encoding) | {"_encoding": encoding})
        return trees.forest(table, rows)

    def _settings(self) -> Settings:
        """Check the parameters, but for `vectors`."""
        settings = check_settings(self, LEAF_CONSTRAINTS)
        entropy = draw_entropy(settings.random_state)
        return Settings(
            settings.n_features,
            settings.handle_unknown,
            settings.lowercase,
            settings.min_count,
            table_dtype(settings.dtype),
            np.array(entropy, "<u4").tobytes(),
        )

    def __getstate__(self) -> dict[str, Any]:
        # What follows from `_encoding` is made again when it is loaded.
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in PUBLIC}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_encoding" not in state:
            return
        if isinstance(self._encoding, TokenTable):
            # An array that can be written into again would be another in each forest.
            table = frozen(self._encoding.table)
            self._encoding = self._encoding._replace(table=table)
        self.__dict__.update(public_attributes(self._encoding))

    def __sklearn_is_fitted__(self) -> bool:
        return "_encoding" in vars(self)

    def __sklearn_clone__(self) -> Self:
        # Word vectors are data, and clones share them: a copy of them for each fold of
        # a cross-validation would take long, and all the memory.
        light = copy.copy(self)
        light.vectors = "one_hot"
        model = BaseEstimator.__sklearn_clone__(light)
        model.vectors = self.vectors
        return model

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []  # tokens have none
        return tags


def refuse_texts(trees: TokenTrees) -> None:
    """Refuse strings for trees to learn from: they are texts, or parts of one tree."""
    n_nodes = trees.tree_start[-1]
    if len(trees.leaves) == n_nodes == len(trees.tree_start) - 1 and all(
        isinstance(leaf, str) for leaf in trees.leaves
    ):
        raise ValueError(
            f"X is {n_nodes} strings, such as {trees.leaves[0]!r}, and no tree among "
            "them has an inner node. A tree is a tuple, such as (('the', 'cat'), "
            "'sat'), and X a list of trees; sentences need a parser first"
        )


def public_attributes(encoding: TokenTable | Records) -> dict[str, Any]:
    """Name what a user may look at."""
    if isinstance(encoding, Records):
        tables = encoding.tables.items()
        return {"vocabulary_": {key: table.vocabulary for key, table in tables}}
    return {
        "vocabulary_": encoding.vocabulary,
        "token_counts_": encoding.counts,
        "table_": encoding.table,
        "unknown_row_": encoding.unknown,
    }


def warn_if_left_out(encoding: TokenTable | Records) -> None:
    """Warn of tokens that are unknown because there are so many."""
    tables = {None: encoding} if isinstance(encoding, TokenTable) else encoding.tables
    for key, table in tables.items():
        if table.n_left_out:
            where = "" if key is None else f" at the key {key!r}"
            n_most = len(table.tokens)
            warnings.warn(
                f"There are {n_most + table.n_left_out} tokens{where}, and "
                f"vectors='one_hot' makes a column of the {n_most} most frequent: the "
                "others are unknown. n_features sets another number, which takes "
                "memory by its square; min_count drops rare tokens on purpose; "
                "vectors='random' and 'hashing' have vectors for all.",
                UserWarning,
                stacklevel=caller_level(),
            )


def trees_of_vectors(X: Forest | TreesLike) -> Forest:
    """Read trees to make tokens of; of tokens the remedy is not another vectorizer."""
    refuse_other_arrays(X)
    try:
        return Forest.from_nested(X)
    except ValueError as error:
        problem = str(error)
        if not problem.endswith(FOR_TOKENS):
            raise
        problem = problem.removesuffix(FOR_TOKENS)
        raise ValueError(
            f"{problem}; inverse_transform takes what transform gives, or an "
            "autoencoder of that"
        ) from error.__cause__
