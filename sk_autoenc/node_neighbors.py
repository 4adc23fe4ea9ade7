"""NodeNeighbors: the subtrees that are most like a given one."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from sk_autoenc._typing import FloatArray, IntArray, TreesLike
from sk_autoenc.base import adopt, fitted_copy
from sk_autoenc.estimator import Estimator
from sk_autoenc.parts.plain import kept_plain
from sk_autoenc.recursive import UnfoldingRAETransformer
from sk_autoenc.tree_validation import (
    NEIGHBORS_CONSTRAINTS,
    check_encodes_nodes,
    check_n_neighbors,
    check_node_places,
    check_sizes,
    check_trees,
)
from sk_autoenc.trees.forest import Forest, is_forest_like
from sk_autoenc.trees.nodes import padded_runs, runs
from sk_autoenc.trees.subtrees import count_overlapping, paths, subtrees, trees_of
from sk_autoenc.validation import check_settings, features_of

ENCODED_NODES = 2**17
"""Nodes of whole trees whose codes are held at a time, beside those that are kept."""
FOUND = 2**22
"""Neighbours that are held at a time, with those that are left out afterwards."""
NEIGHBOR = np.dtype(
    [
        ("tree", np.int64),
        ("position", np.int64),
        ("size", np.int32),
        ("path", np.object_),
    ]
)


class NodeNeighbors(Estimator):
    """Find the subtrees nearest to a given one, by the codes of their roots.

    A transformer of trees gives a code of every node, and so of every subtree. Those of
    the training trees are kept, and `kneighbors` finds the nearest ones to a tree, to a
    part of one, or to each of the kept subtrees: similar phrases, or clones of code.
    Read more in ``doc/guide_trees.md``.

    Parameters
    ----------
    transformer : estimator object or None, default=None
        With `transform_nodes`, as `UnfoldingRAETransformer` or `RAETransformer`. It is
        cloned and fitted to the trees; pass a FrozenEstimator of one that is fitted to
        take it as it is. None is ``UnfoldingRAETransformer()``.

    n_neighbors : int, default=5
        How many `kneighbors` finds.

    metric : str or callable, default="euclidean"
        Distance of two codes, as for `sklearn.neighbors.NearestNeighbors`. "cosine"
        looks at their directions alone.

    min_size, max_size : int, default=2 and None
        Nodes of the smallest and of the largest subtree that is kept; None is no bound.
        By default all are kept but leaves.

    exclude_overlapping : bool, default=False
        Whether ancestors and parts of a training subtree are no neighbours of it. It is
        never its own.

    n_jobs : int or None, default=None
        Threads of the search, as for `sklearn.neighbors.NearestNeighbors`.

    Attributes
    ----------
    transformer_ : estimator object
        The fitted transformer.

    neighbors_ : NearestNeighbors
        Fitted to the codes of the subtrees that are kept.

    trees_ : Forest
        The training trees.

    nodes_ : int64 array of shape (n_kept,)
        The places of the kept subtrees' roots in ``trees_``, all trees in preorder one
        after the other.

    n_features_in_ : int
        Length of a leaf vector.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during fit. Defined only after fitting on a 2-D X with
        feature names that are all strings.

    See Also
    --------
    UnfoldingRAETransformer.transform_nodes : The codes.
    TreePairFeatures : All distances between the nodes of two trees.

    Examples
    --------
    >>> from sk_autoenc import NodeNeighbors, UnfoldingRAETransformer
    >>> a, b, c = [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]
    >>> trees = [((a, b), c), (c, (c, c)), (b, (a, b))]
    >>> model = UnfoldingRAETransformer(max_iter=5, random_state=0)
    >>> finder = NodeNeighbors(model, n_neighbors=1).fit(trees)
    >>> distances, neighbors = finder.kneighbors(nodes=[(0, 1)])  # (a, b) of the first
    >>> neighbors[0, 0]
    np.void((2, 2, 3, '[1]'), dtype=[('tree', ...), ('path', 'O')])
    """

    transformer_: Any
    _search: "Search"
    trees_: Forest
    nodes_: IntArray
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]

    def __init__(
        self,
        transformer: Any = None,
        *,
        n_neighbors: int = 5,
        metric: str | Callable[..., float] = "euclidean",
        min_size: int = 2,
        max_size: int | None = None,
        exclude_overlapping: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.transformer = transformer
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.min_size = min_size
        self.max_size = max_size
        self.exclude_overlapping = exclude_overlapping
        self.n_jobs = n_jobs

    def fit(self, X: Forest | TreesLike, y: object = None) -> Self:
        """Fit the transformer, and keep the codes of subtrees.

        Parameters
        ----------
        X : list of trees, Forest or array-like of shape (n_samples, n_features)
            A tuple is an inner node; anything else is a leaf, a vector. Row x of a 2-D
            array is the tree ``(x,)``.
        y : array-like of shape (n_trees,) or None, default=None
            Handed to the transformer's `fit`; ignored by those that need no labels.

        Returns
        -------
        self : NodeNeighbors
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or a tree is not valid, or if no subtree is of the sizes to
            be kept. The estimator then is as it was.

        See Also
        --------
        kneighbors : Find neighbours.

        Examples
        --------
        >>> trees = [([1.0], ([2.0], [3.0])), ([1.0],)]
        >>> model = UnfoldingRAETransformer(max_iter=2, random_state=0)
        >>> NodeNeighbors(model).fit(trees).nodes_
        array([0, 2, 5])
        """
        settings = check_settings(self, NEIGHBORS_CONSTRAINTS)
        check_sizes(settings.min_size, settings.max_size)
        if settings.transformer is None:
            settings.transformer = UnfoldingRAETransformer()
        check_encodes_nodes(settings.transformer)
        forest, learned = features_of(self, check_trees, X)
        adopt(self, learned | learn(settings, forest, X, y))
        return self

    def kneighbors(
        self,
        X: Forest | TreesLike | None = None,
        nodes: ArrayLike | None = None,
        n_neighbors: int | None = None,
    ) -> tuple[FloatArray, NDArray[np.void]]:
        """Find the kept subtrees that are nearest to trees or to parts of trees.

        Parameters
        ----------
        X : list of trees, Forest, array-like of shape (n_samples, n_features) or None,\
 default=None
            Trees to find neighbours of. None: the training trees, of which no subtree
            is a neighbour of its own.
        nodes : array-like of shape (n_queries, 2) or structured array, default=None
            Tree and position in preorder, from 0, of each subtree to find neighbours
            of; or what `kneighbors` gave as neighbours, whose fields have that. None:
            the trees of X as wholes; without X, all subtrees that are kept, in the
            order of ``nodes_``.
        n_neighbors : int or None, default=None
            How many; None is the parameter of that name.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors)
            Ascending.
        neighbors : structured ndarray of shape (n_queries, n_neighbors)
            Fields ``tree`` and ``position`` (in preorder), ``size`` (nodes of the
            subtree) and ``path`` (how to index the nested tuples of the tree,
            ``"[0][1]"``; long ones are cut). Where exclude_overlapping leaves fewer
            neighbours, the distance is infinite, and tree and position are -1.

        Raises
        ------
        ValueError
            If `nodes` or `n_neighbors` is not valid.

        See Also
        --------
        subtrees : The neighbours as trees.

        Examples
        --------
        >>> trees = [([1.0], ([2.0], [3.0])), ([1.0], ([2.0], [4.0]))]
        >>> model = UnfoldingRAETransformer(max_iter=2, random_state=0)
        >>> finder = NodeNeighbors(model, n_neighbors=1).fit(trees)
        >>> distances, neighbors = finder.kneighbors(trees, nodes=[(0, 2), (0, 0)])
        >>> distances.ravel(), neighbors["path"].ravel()
        (array([0., 0.]), array(['[1]', ''], dtype=object))
        """
        model = fitted_copy(self)
        settings, kept = check_settings(model, NEIGHBORS_CONSTRAINTS), model.nodes_
        if n_neighbors is None:
            n_neighbors = settings.n_neighbors
        n_neighbors = check_n_neighbors(n_neighbors, len(kept) - (X is None))
        forest = model.trees_ if X is None else check_trees(model, X, reset=False)
        if nodes is not None:
            chosen = check_node_places(nodes, forest)
        else:
            chosen = kept if X is None else forest.tree_start[:-1]
        excludes: Excluded | None = None
        if X is None:
            excludes = Excluded.of(forest, kept, chosen, settings.exclude_overlapping)
        codes = codes_of(model.transformer_, forest, chosen)
        distances, found = nearest(model.neighbors_, codes, n_neighbors, excludes)
        return distances, described(model.trees_, kept, found)

    def subtrees(self, neighbors: ArrayLike) -> Forest:
        """Give training subtrees as trees of their own.

        Parameters
        ----------
        neighbors : structured array, or array-like of shape (n_subtrees, 2)
            What `kneighbors` gave, of any shape, or tree and position of each.

        Returns
        -------
        trees : Forest
            One tree for each, row by row.

        Raises
        ------
        ValueError
            If a node is not there, as where `kneighbors` found too few.

        See Also
        --------
        kneighbors : Finds them.

        Examples
        --------
        >>> trees = [([1.0], ([2.0], [3.0])), ([1.0], ([2.0], [4.0]))]
        >>> model = UnfoldingRAETransformer(max_iter=2, random_state=0)
        >>> finder = NodeNeighbors(model).fit(trees)
        >>> finder.subtrees([(1, 2)]).to_nested()
        [(array([2.]), array([4.]))]
        """
        trees = fitted_copy(self).trees_
        return subtrees(trees, check_node_places(neighbors, trees))

    @property
    def neighbors_(self) -> Any:
        """The `NearestNeighbors` that are fitted to the codes of the kept subtrees."""
        return self._search.neighbors


@kept_plain(fields=("codes", "settings"), make="of")
class Search(NamedTuple):
    """Finds the nearest of some codes; what is saved are the codes, not the tree."""

    codes: FloatArray
    settings: dict[str, Any]
    """Of `NearestNeighbors`."""
    neighbors: Any
    """Fitted."""

    @classmethod
    def of(cls, codes: FloatArray, settings: dict[str, Any]) -> Self:
        """Plant the tree."""
        # Here, because it takes longer to import than the whole package.
        from sklearn.neighbors import NearestNeighbors

        return cls(codes, settings, NearestNeighbors(**settings).fit(codes))


def learn(
    settings: SimpleNamespace, forest: Forest, X: Any, y: object
) -> dict[str, Any]:
    """Return the fitted attributes, but those about features."""
    is_kept = forest.size >= settings.min_size
    if settings.max_size is not None:
        is_kept &= forest.size <= settings.max_size
    nodes = np.flatnonzero(is_kept)
    if len(nodes) == 0:
        raise ValueError(
            f"no subtree of X has from min_size={settings.min_size} to max_size="
            f"{settings.max_size} nodes; the sizes are from {forest.size.min()} to "
            f"{forest.size.max()}."
        )
    transformer = clone(settings.transformer)
    transformer.fit(forest if is_forest_like(X) else X, y)
    search_settings = {
        "n_neighbors": min(settings.n_neighbors, len(nodes)),
        "metric": settings.metric,
        "n_jobs": settings.n_jobs,
    }
    codes = codes_of(transformer, forest, nodes)
    return {
        "transformer_": transformer,
        "_search": Search.of(codes, search_settings),
        "trees_": forest,
        "nodes_": nodes,
    }


def codes_of(transformer: Any, forest: Forest, nodes: IntArray) -> FloatArray:
    """Encode some nodes, some trees at a time, (n_chosen, n_components)."""
    trees, tree = np.unique(trees_of(forest, nodes), return_inverse=True)
    part = forest.select(trees)
    rows = nodes - forest.tree_start[trees][tree] + part.tree_start[tree]
    order = np.argsort(rows, kind="stable")
    rows, codes = rows[order], []
    for first, last in runs(part.n_nodes, ENCODED_NODES):
        start, stop = part.tree_start[[first, last]]
        here = slice(*np.searchsorted(rows, (start, stop)))
        encoded, _ = transformer.transform_nodes(part[first:last])
        codes.append(encoded[rows[here] - start])
    sorted_codes = np.concatenate(codes)
    unsorted = np.empty_like(sorted_codes)
    unsorted[order] = sorted_codes
    return unsorted


class Excluded(NamedTuple):
    """Which kept subtrees are no neighbours of which queries."""

    forest: Forest
    kept: IntArray
    """Nodes, (n_kept,)."""
    queries: IntArray
    """Nodes, (n_queries,)."""
    overlapping: bool
    """Ancestors and parts too, not only the query itself."""
    counts: IntArray
    """How many of the kept each query excludes, (n_queries,)."""

    @classmethod
    def of(
        cls, forest: Forest, kept: IntArray, queries: IntArray, overlapping: bool
    ) -> Self:
        """Count what is excluded."""
        is_kept = np.zeros(len(forest.size), bool)
        is_kept[kept] = True
        counts = is_kept[queries].astype(np.int64)
        if overlapping:
            counts = count_overlapping(forest, is_kept, queries)
        return cls(forest, kept, queries, overlapping, counts)

    def among(self, rows: IntArray, found: IntArray) -> NDArray[np.bool_]:
        """Tell which of the found, (n_rows, n_found), are excluded."""
        node, query = self.kept[found], self.queries[rows][:, None]
        if not self.overlapping:
            return node == query
        size = self.forest.size
        is_part = (query <= node) & (node < query + size[query])
        return is_part | ((node <= query) & (query < node + size[node]))


def nearest(
    search: Any, codes: FloatArray, n_neighbors: int, excludes: Excluded | None
) -> tuple[FloatArray, IntArray]:
    """Search the nearest that are not excluded; (n_queries, n_neighbors) each.

    Returns
    -------
    distances : ndarray
    found : ndarray of int
        Numbers among the kept; -1 where there are too few.
    """
    n_queries, n_kept = len(codes), search.n_samples_fit_
    n_asked = np.full(n_queries, n_neighbors, np.int64)
    if excludes is not None:
        n_asked += excludes.counts
    n_asked = np.minimum(n_asked, n_kept)
    order = np.argsort(-n_asked, kind="stable")
    distances = np.full((n_queries, n_neighbors), np.inf)
    numbers = np.full((n_queries, n_neighbors), -1, np.int64)
    for first, last in padded_runs(n_asked[order], FOUND):
        rows = order[first:last]
        most = int(n_asked[rows[0]])
        distance, found = search.kneighbors(codes[rows], n_neighbors=most)
        is_out = np.zeros(found.shape, bool)
        if excludes is not None:
            is_out = excludes.among(rows, found)
        rank = np.cumsum(~is_out, axis=1) - 1
        row, column = np.nonzero(~is_out & (rank < n_neighbors))
        place = rows[row], rank[row, column]
        distances[place] = distance[row, column]
        numbers[place] = found[row, column]
    return distances, numbers


def described(trees: Forest, kept: IntArray, found: IntArray) -> NDArray[np.void]:
    """Say which nodes the found ones are."""
    neighbors = np.empty(found.shape, NEIGHBOR)
    neighbors["tree"], neighbors["position"] = -1, -1
    neighbors["size"], neighbors["path"] = 0, ""
    is_there = found >= 0
    nodes, which = np.unique(kept[found[is_there]], return_inverse=True)
    tree = trees_of(trees, nodes)
    words = np.empty(len(nodes), np.object_)
    words[:] = paths(trees, nodes)
    values = tree, nodes - trees.tree_start[tree], trees.size[nodes], words
    for name, value in zip(NEIGHBOR.names or (), values, strict=True):
        neighbors[name][is_there] = value[which]
    return neighbors
