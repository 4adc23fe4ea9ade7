"""SubtreeCounts: how often each small subtree stands in a tree, as a sparse row."""

from itertools import chain
from types import SimpleNamespace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_matrix, vstack
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)

from sk_autoenc._typing import TreesLike
from sk_autoenc.base import adopt, fitted_copy
from sk_autoenc.estimator import Estimator
from sk_autoenc.tree_validation import SUBTREE_CONSTRAINTS, check_trees
from sk_autoenc.trees.forest import Forest, is_forest_like
from sk_autoenc.trees.labels import own_labels, path_labels, subtree_labels
from sk_autoenc.trees.nodes import runs
from sk_autoenc.validation import check_settings, features_of

COUNTED_NODES = 2**20
"""Nodes of whole trees that are counted at a time."""


class SubtreeCounts(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """Count the small subtrees of each tree: a strong and simple baseline.

    Every node stands for a subtree: all that is below it, cut at a depth of 0, 1, ...,
    `n_rounds`. Equal subtrees have equal labels, found in rounds as Weisfeiler and
    Lehman's [1]_, Eq. (70): at first a node has a label of its own, and in each round
    one of its own and of its children's before. Each label is hashed to a column, and a
    row counts how often each stands in a tree. So a linear model sees which patterns a
    tree is made of. Nothing is learned but the length of leaf vectors.

    A codes' learner should beat this, or be put beside it in a FeatureUnion. Read more
    in ``doc/guide_trees.md``.

    Parameters
    ----------
    n_rounds : int, default=3
        Depth at which subtrees are cut at the most; 0 counts nodes alone, a bag of
        leaves.

    n_features : int, default=262144
        Number of columns. Two labels may meet in one, as in a HashingVectorizer: take
        many times more columns than there are different subtrees.

    inner_labels : {"first_leaf", "arity", "one"}, default="first_leaf"
        What an inner node's own label is. "first_leaf": its first child, if that is a
        leaf, as in trees whose nodes' types are their first leaves (see `read_tree`);
        others have one label. "arity": the number of its children. "one": all inner
        nodes have one label.

    n_ancestors : int, default=1
        Also counts each node together with its parent, and with its parent and
        grandparent, and so on up to this many ancestors, Eq. (71): less is in such a
        label than in a subtree's, where all children are.

    ordered : bool, default=True
        Whether children in another order are another subtree. Without, an inner node's
        first leaf is still its label, if it is by `inner_labels`.

    binary : bool, default=False
        Whether to say 1 for whatever is there, however often.

    norm : {"l1", "l2"} or None, default=None
        What each row is divided by: the sum of its entries, or their Euclidean length.
        Without, large trees have large rows.

    Attributes
    ----------
    n_features_in_ : int
        Length of a leaf vector.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during fit. Defined only after fitting on a 2-D X with
        feature names that are all strings.

    See Also
    --------
    UnfoldingRAETransformer : Short codes, which are learned.
    sklearn.feature_extraction.text.HashingVectorizer : The same of words.

    Notes
    -----
    Two leaves are one label if their vectors are equal as float64, so float32 numbers
    are what they are in float64. Labels do not depend on the process, the platform, or
    on the other trees.

    References
    ----------
    .. [1] N. Shervashidze, P. Schweitzer, E. J. van Leeuwen, K. Mehlhorn,
       K. M. Borgwardt, "Weisfeiler-Lehman graph kernels", Journal of Machine Learning
       Research 12:2539-2561, 2011.

    Examples
    --------
    >>> from sk_autoenc import SubtreeCounts
    >>> a, b = [1.0, 0.0], [0.0, 1.0]
    >>> counts = SubtreeCounts(n_ancestors=0).fit_transform([((a, b), (a, b)), (a, b)])
    >>> counts.shape
    (2, 262144)
    >>> counts.sum(axis=1).A1  # 7 nodes, 3 subtrees of depth 1, 1 of 2; 3 and 1
    array([11.,  4.])
    """

    n_features_in_: int
    feature_names_in_: NDArray[np.object_]

    def __init__(
        self,
        n_rounds: int = 3,
        *,
        n_features: int = 2**18,
        inner_labels: Literal["first_leaf", "arity", "one"] = "first_leaf",
        n_ancestors: int = 1,
        ordered: bool = True,
        binary: bool = False,
        norm: Literal["l1", "l2"] | None = None,
    ) -> None:
        self.n_rounds = n_rounds
        self.n_features = n_features
        self.inner_labels = inner_labels
        self.n_ancestors = n_ancestors
        self.ordered = ordered
        self.binary = binary
        self.norm = norm

    def fit(self, X: Forest | TreesLike, y: object = None) -> Self:
        """Check parameters and trees; nothing else is learned from them.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            A tuple is an inner node; anything else is a leaf, a vector. Row x of a 2-D
            array is the tree ``(x,)``.
        y : Ignored
            Present for API consistency.

        Returns
        -------
        self : SubtreeCounts
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter or a tree is not valid. The transformer then is as it was.

        See Also
        --------
        transform : Counts of the trees.

        Examples
        --------
        >>> SubtreeCounts().fit([([1.0], [2.0])]).n_features_in_
        1
        """
        check_settings(self, SUBTREE_CONSTRAINTS)
        _, learned = features_of(self, check_trees, X)
        learned["input_kind_"] = "trees" if is_forest_like(X) else "rows"
        adopt(self, learned)
        return self

    def transform(self, X: Forest | TreesLike) -> csr_matrix:
        """Count the subtrees of trees.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            As for `fit`.

        Returns
        -------
        counts : CSR matrix of shape (n_trees, n_features), float32 or float64
            Of the dtype of the leaves.

        See Also
        --------
        fit : Before it.

        Examples
        --------
        >>> a, b = [1.0, 0.0], [0.0, 1.0]
        >>> counts = SubtreeCounts().fit_transform([((a, b), b), (a, b), ((a, b), b)])
        >>> abs(counts[0] - counts[2]).max(), abs(counts[0] - counts[1]).max()
        (np.float64(0.0), np.float64(1.0))
        """
        model = fitted_copy(self)
        settings = check_settings(model, SUBTREE_CONSTRAINTS)
        forest = check_trees(model, X, reset=False)
        parts = [
            count(forest[first:last], settings)
            for first, last in runs(forest.n_nodes, COUNTED_NODES)
        ]
        counts = parts[0] if len(parts) == 1 else vstack(parts, format="csr")
        if settings.binary:
            counts.data.fill(1)
        if settings.norm is not None:
            # Here, because it takes as long to import as the package.
            from sklearn.preprocessing import normalize

            normalize(counts, norm=settings.norm, copy=False)
        return counts

    def get_feature_names_out(
        self, input_features: ArrayLike | None = None
    ) -> NDArray[np.object_]:
        """Return the names of the columns.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Ignored after fitting on trees, whose features have no names.

        Returns
        -------
        names : ndarray of str objects
            The lower-case name of the class and a number.

        See Also
        --------
        transform : Its columns have these names.

        Examples
        --------
        >>> counts = SubtreeCounts(n_features=2).fit([([1.0], [2.0])])
        >>> counts.get_feature_names_out().tolist()
        ['subtreecounts0', 'subtreecounts1']
        """
        if fitted_copy(self).input_kind_ == "trees":
            input_features = None
        return super().get_feature_names_out(input_features)

    @property
    def _n_features_out(self) -> int:
        return int(self.n_features)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def count(forest: Forest, settings: SimpleNamespace) -> csr_matrix:
    """Count the labels of each tree of a forest, by their columns."""
    own = own_labels(forest, settings.inner_labels)
    labels = list(
        chain(
            subtree_labels(forest, own, settings.n_rounds, settings.ordered),
            path_labels(forest, own, settings.n_ancestors),
        )
    )
    index = np.int32 if settings.n_features <= 2**31 - 1 else np.int64
    tree = np.repeat(np.arange(len(forest), dtype=index), forest.n_nodes)
    rows = np.concatenate([tree[nodes] for nodes, _ in labels])
    n_features = np.uint64(settings.n_features)
    columns = np.concatenate(
        [(label % n_features).astype(index) for _, label in labels]
    )
    ones = np.ones(len(rows), forest.dtype)
    shape = len(forest), settings.n_features
    counts = csr_matrix(coo_array((ones, (rows, columns)), shape=shape))
    counts.sum_duplicates()
    return counts
