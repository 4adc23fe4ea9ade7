"""TreePairFeatures: how two trees differ, node by node, in a row of fixed length."""

from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from sklearn.base import TransformerMixin, clone

from sk_autoenc._typing import FloatArray, IntArray, TreesLike
from sk_autoenc.base import adopt, fitted_copy
from sk_autoenc.estimator import Estimator
from sk_autoenc.recursive import UnfoldingRAETransformer
from sk_autoenc.tree_validation import (
    PAIRS_CONSTRAINTS,
    check_encodes_nodes,
    check_pairs,
)
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.labels import leaf_labels
from sk_autoenc.trees.nodes import runs, starts
from sk_autoenc.trees.subtrees import leaves_then_inner, subtrees
from sk_autoenc.validation import check_settings

ENCODED_NODES = 2**17
"""Nodes of whole pairs whose codes are held at a time."""
DISTANCES = 2**20
"""Distances between nodes that are held at a time."""
LEAF_FEATURES = ("size_difference", "left_in_right", "right_in_left")


class TreePairFeatures(TransformerMixin, Estimator):
    """Make a row of fixed length of two trees: the distances between their nodes.

    For questions about two trees: whether two sentences say the same, or two functions
    do. All nodes of one tree are compared with all of the other by the distances of
    their codes, and the matrix, whose size is that of the trees, is pooled to
    `pool_size` times `pool_size` minima, Eqs. (74, 75): dynamic pooling [1]_. A
    classifier is trained on the rows. Read more in ``doc/guide_trees.md``.

    Parameters
    ----------
    transformer : estimator object or None, default=None
        With `transform_nodes`, as `UnfoldingRAETransformer` or `RAETransformer`. It is
        cloned and fitted to all trees of all pairs; pass a FrozenEstimator of one that
        is fitted, to many other trees say, to take it as it is. None is
        ``UnfoldingRAETransformer()``.

    pool_size : int, default=15
        Rows and columns of the pooled matrix.

    standardize : bool, default=False
        Whether to subtract the mean of each column over the training pairs and to
        divide by its standard deviation, as the source does.

    leaf_features : bool, default=False
        Whether to add three columns: the leaves of the left tree less those of the
        right, the share of the left one's leaves that are in the right one too, and the
        share of the right one's that are in the left. Distances of codes do not say
        well whether two words are the very same.

    Attributes
    ----------
    transformer_ : estimator object
        The fitted transformer.

    mean_, scale_ : ndarray of shape (n_features_out,)
        Of the columns, to be standardised. Only with `standardize`.

    n_features_in_ : int
        Length of a leaf vector.

    See Also
    --------
    UnfoldingRAETransformer.transform_nodes : The codes.
    NodeNeighbors : The nearest subtrees among many trees.

    Notes
    -----
    A pair is a tuple of two trees. So a list of pairs is also a list of trees, whose
    roots have two children, and goes through splitters, searches and pipelines; a
    `Forest` of such trees is taken too, and is parsed once only.

    The rows of the matrix are the left tree's leaves in their order, then its inner
    nodes, depth first from the right; the columns are those of the right tree. The last
    of the windows are those that are one longer, where they cannot all be of one size.
    Rows or columns that are too few are repeated, each equally often.

    References
    ----------
    .. [1] R. Socher, E. H. Huang, J. Pennington, A. Y. Ng, C. D. Manning, "Dynamic
       Pooling and Unfolding Recursive Autoencoders for Paraphrase Detection", NIPS
       2011.

    Examples
    --------
    >>> from sk_autoenc import TreePairFeatures, UnfoldingRAETransformer
    >>> a, b, c = [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]
    >>> pairs = [(((a, b), c), ((a, b), c)), (((a, b), c), (b, c))]
    >>> model = UnfoldingRAETransformer(max_iter=5, random_state=0)
    >>> X = TreePairFeatures(model, pool_size=2).fit_transform(pairs)
    >>> X.shape, X[0].round(3)[[0, 3]]
    ((2, 4), array([0., 0.]))
    """

    transformer_: Any
    mean_: FloatArray
    scale_: FloatArray
    n_features_in_: int
    _fitted_with: dict[str, Any]

    def __init__(
        self,
        transformer: Any = None,
        pool_size: int = 15,
        *,
        standardize: bool = False,
        leaf_features: bool = False,
    ) -> None:
        self.transformer = transformer
        self.pool_size = pool_size
        self.standardize = standardize
        self.leaf_features = leaf_features

    def fit(self, X: Forest | TreesLike, y: object = None) -> Self:
        """Fit the transformer to the trees of all pairs.

        Parameters
        ----------
        X : list of pairs or Forest
            A pair is a tuple of two trees, each nested tuples with vectors as leaves.
            Pairs come as a list, tuple, 1-D object array or pandas Series of them, or
            as a `Forest` whose roots have two children each.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : TreePairFeatures
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter, a pair or a tree is not valid. The transformer then is as it
            was.

        See Also
        --------
        transform : Rows of pairs.

        Examples
        --------
        >>> pairs = [(([1.0], [2.0]), ([1.0], [3.0])), ([1.0], ([1.0],))]
        >>> model = UnfoldingRAETransformer(max_iter=2, random_state=0)
        >>> TreePairFeatures(model).fit(pairs).n_features_in_
        1
        """
        settings = check_settings(self, PAIRS_CONSTRAINTS)
        transformer = vars(settings).pop("transformer")
        if transformer is None:
            transformer = UnfoldingRAETransformer()
        check_encodes_nodes(transformer)
        trees = trees_of_pairs(check_pairs(X))
        transformer = clone(transformer).fit(trees, None)
        learned = {
            "transformer_": transformer,
            "n_features_in_": trees.n_features,
            "_fitted_with": vars(settings),
        }
        if settings.standardize:
            rows = features(transformer, trees, settings).astype(np.float64)
            scale = rows.std(axis=0)
            scale[scale == 0] = 1
            learned |= {"mean_": rows.mean(axis=0), "scale_": scale}
        adopt(self, learned)
        return self

    def transform(self, X: Forest | TreesLike) -> FloatArray:
        """Make a row of each pair.

        Parameters
        ----------
        X : list of pairs or Forest
            As for `fit`.

        Returns
        -------
        rows : ndarray of shape (n_pairs, pool_size**2) or (n_pairs, pool_size**2 + 3)
            The pooled distances row by row, then what `leaf_features` adds. Of the
            dtype of the codes.

        See Also
        --------
        fit : Before it.

        Examples
        --------
        >>> pairs = [(([1.0], [2.0]), ([1.0], [3.0])), ([1.0], ([1.0],))]
        >>> model = UnfoldingRAETransformer(max_iter=2, random_state=0)
        >>> TreePairFeatures(model).fit(pairs).transform(pairs).shape
        (2, 225)
        """
        model = fitted_copy(self)
        settings = SimpleNamespace(**model._fitted_with)
        forest = check_pairs(X)
        if forest.n_features != model.n_features_in_:
            raise ValueError(
                f"X has {forest.n_features} features, but TreePairFeatures is "
                f"expecting {model.n_features_in_} features as input (the length of a "
                "leaf vector)."
            )
        rows = features(model.transformer_, trees_of_pairs(forest), settings)
        if settings.standardize:
            rows -= model.mean_
            rows /= model.scale_
        return rows

    def get_feature_names_out(
        self, input_features: ArrayLike | None = None
    ) -> NDArray[np.object_]:
        """Return the names of the columns.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Ignored: trees have no names of features.

        Returns
        -------
        names : ndarray of str objects
            The window of rows and that of columns of each distance.

        See Also
        --------
        transform : Its columns have these names.

        Examples
        --------
        >>> pairs = [(([1.0], [2.0]), ([1.0], [3.0])), ([1.0], ([1.0],))]
        >>> model = UnfoldingRAETransformer(max_iter=2, random_state=0)
        >>> TreePairFeatures(model, 2).fit(pairs).get_feature_names_out().tolist()
        ['distance_0_0', 'distance_0_1', 'distance_1_0', 'distance_1_1']
        """
        settings = SimpleNamespace(**fitted_copy(self)._fitted_with)
        windows = range(settings.pool_size)
        names = [f"distance_{row}_{column}" for row in windows for column in windows]
        names += LEAF_FEATURES if settings.leaf_features else ()
        return np.array(names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def trees_of_pairs(pairs: Forest) -> Forest:
    """Make trees of the halves of all pairs: left, right, left, right, ..."""
    left = pairs.tree_start[:-1] + 1
    right = left + pairs.size[left]
    return subtrees(pairs, np.stack([left, right], axis=1).ravel())


def features(transformer: Any, trees: Forest, settings: SimpleNamespace) -> FloatArray:
    """Make a row of each two consecutive trees, some at a time."""
    n_nodes = trees.n_nodes[::2] + trees.n_nodes[1::2]
    parts = []
    for first, last in runs(n_nodes, ENCODED_NODES):
        part = trees[2 * first : 2 * last]
        codes, _ = transformer.transform_nodes(part)
        codes = codes[leaves_then_inner(part)]
        start = part.tree_start
        rows = np.empty((last - first, settings.pool_size**2), codes.dtype)
        for number, row in enumerate(rows):
            left, middle, stop = start[2 * number : 2 * number + 3]
            left_codes, right_codes = codes[left:middle], codes[middle:stop]
            row[:] = pooled_distances(left_codes, right_codes, settings.pool_size).flat
        if settings.leaf_features:
            rows = np.hstack([rows, leaf_features(part).astype(rows.dtype)])
        parts.append(rows)
    return np.concatenate(parts)


def pooled_distances(left: FloatArray, right: FloatArray, pool_size: int) -> FloatArray:
    """Pool the distances of all of one from all of the other: Eqs. (74, 75).

    Parameters
    ----------
    left, right : ndarray of shape (n_left, n_components), (n_right, n_components)
    pool_size : int

    Returns
    -------
    pooled : ndarray of shape (pool_size, pool_size), float64
    """
    rows, row_start = windows(len(left), pool_size)
    columns, column_start = windows(len(right), pool_size)
    by_row = np.empty((len(left), pool_size))
    step = max(1, DISTANCES // len(right))
    for first in range(0, len(left), step):
        distances = cdist(left[first : first + step], right)
        if columns is not None:
            distances = distances[:, columns]
        by_row[first : first + step] = np.minimum.reduceat(
            distances, column_start, axis=1
        )
    if rows is not None:
        by_row = by_row[rows]
    return np.minimum.reduceat(by_row, row_start, axis=0)


def windows(n_nodes: int, pool_size: int) -> tuple[IntArray | None, IntArray]:
    """Cut the nodes of a tree into windows of equal sizes, or nearly.

    Returns
    -------
    repeated : ndarray of int or None
        The nodes, each repeated equally often. None: they are enough as they are.
    start : ndarray of int of shape (pool_size,)
        Where each window begins. The last ones are longer by one, if need be.
    """
    n_times = -(-pool_size // n_nodes)
    repeated = None if n_times == 1 else np.repeat(np.arange(n_nodes), n_times)
    width, n_wider = divmod(n_nodes * n_times, pool_size)
    number = np.arange(pool_size)
    return repeated, width * number + np.maximum(number - pool_size + n_wider, 0)


def leaf_features(trees: Forest) -> FloatArray:
    """Compare the leaves of each two consecutive trees, (n_pairs, 3)."""
    n_leaves = trees.n_leaves
    pair = np.repeat(np.arange(len(trees)) // 2, n_leaves)
    is_right = np.repeat(np.arange(len(trees)) % 2, n_leaves)
    # Which leaves are equal, numbered by pair and label.
    labels = np.unique(leaf_labels(trees), return_inverse=True)[1]
    _, group = np.unique(pair * (labels.max() + 1) + labels, return_inverse=True)
    is_in = np.zeros((2, group.max() + 1), bool)
    is_in[is_right, group] = True
    is_shared = is_in[1 - is_right, group]
    n_shared = np.add.reduceat(is_shared, starts(n_leaves)[:-1], dtype=np.int64)
    shares = (n_shared / n_leaves).reshape(-1, 2)
    return np.column_stack([n_leaves[::2] - n_leaves[1::2], shares])
