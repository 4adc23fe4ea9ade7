"""The encoder of trees as a model of ONNX: one loop over the levels of a forest.

Equation (22), or (41), of all nodes of one depth at a time, the deepest first. What the
model reads is a forest as flat arrays; see `forest_inputs`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, helper
from sklearn.utils.validation import check_is_fitted

from sk_autoenc._typing import TreesLike
from sk_autoenc.networks.tree.blends import weigh, weigh_entering
from sk_autoenc.onnx.graph import Graph
from sk_autoenc.onnx.tree_levels import (
    TreeModel,
    inputs_of,
    leaf_codes,
    level,
    outputs_of,
)
from sk_autoenc.recursive import RAETransformer, UnfoldingRAETransformer
from sk_autoenc.tree_validation import check_trees
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.nodes import parents, starts

MINIMUM_TREE_OPSET = 16
"""Since then ONNX adds up what is scattered to one place."""


def tree_encoder(
    model: TreeModel, *, target_opset: int = MINIMUM_TREE_OPSET
) -> ModelProto:
    """Export the encoder of trees.

    Parameters
    ----------
    model : UnfoldingRAETransformer or RAETransformer
        Fitted, with ``composition="blend"`` and ``pooling="root"``.
    target_opset : int, default=16
        Version of ONNX's operators, at least 16.

    Returns
    -------
    onnx_model : onnx.ModelProto
        Its inputs are those that `forest_inputs` makes. Its outputs are "codes", as
        `transform` gives them, and "node_codes", as `transform_nodes` does, in the type
        of the fitted parameters.

    Raises
    ------
    NotImplementedError
        If the composition or the pooling is another one.
    ValueError
        If `target_opset` is too old.

    See Also
    --------
    forest_inputs : What to feed.

    Examples
    --------
    >>> from sk_autoenc import UnfoldingRAETransformer
    >>> from sk_autoenc.onnx import forest_inputs, tree_encoder
    >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)]
    >>> model = UnfoldingRAETransformer(max_iter=3, random_state=0).fit(trees)
    >>> inputs = {each.name for each in tree_encoder(model).graph.input}
    >>> inputs == set(forest_inputs(model, trees))
    True
    """
    check_exported(model)
    if target_opset < MINIMUM_TREE_OPSET:
        raise ValueError(
            f"Trees need target_opset={MINIMUM_TREE_OPSET} or newer; got "
            f"{target_opset}."
        )
    graph = Graph("tree_", model.encoder_intercept_.dtype)
    start = leaf_codes(graph, model)
    n_starts = graph("Size", "level_start")
    [codes] = graph.several(
        "Loop",
        graph("Sub", n_starts, np.array(1)),
        np.array(True),
        start,
        n_outputs=1,
        body=level(model),
    )
    graph("Identity", codes)
    graph.rename(graph.nodes[-1].outputs[0], "node_codes")
    graph.rename(graph("Gather", codes, "root", axis=0), "codes")
    opsets = [helper.make_opsetid("", target_opset)]
    return helper.make_model(
        graph.proto("trees", inputs_of(model), outputs_of(model)),
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="sk_autoenc",
    )


def forest_inputs(
    model: TreeModel, X: Forest | TreesLike
) -> dict[str, NDArray[np.generic]]:
    """Return trees as the arrays that the model of `tree_encoder` reads.

    Nodes are numbered tree by tree, each tree's in preorder. Inner nodes and children
    are listed level by level: those of the deepest inner nodes first.

    Parameters
    ----------
    model : UnfoldingRAETransformer or RAETransformer
        Fitted.
    X : list of trees, Forest or array-like of shape (n_samples, n_features)
        As for `transform`.

    Returns
    -------
    inputs : dict of ndarray
        "leaf_vector", (n_leaves, n_features), in the type of the fitted parameters, and
        "leaf", (n_leaves,), the nodes that they belong to; "root", (n_trees,); "inner",
        (n_inner,), and "level_start", (n_levels + 1,), where the levels begin in it;
        "child", (n_children,), and "child_start" likewise; "parent", (n_children,), the
        place of each one's parent in its level; "weight", (n_children, 2), how a child
        enters the left and the right sum of its parent. All but the vectors and weights
        are int64.

    See Also
    --------
    tree_encoder : The model.

    Examples
    --------
    >>> from sk_autoenc import UnfoldingRAETransformer
    >>> from sk_autoenc.onnx import forest_inputs
    >>> trees = [([0.0, 1.0], ([1.0, 0.0], [1.0, 1.0])), ([1.0, 0.0],)]
    >>> model = UnfoldingRAETransformer(max_iter=3, random_state=0).fit(trees)
    >>> inputs = forest_inputs(model, trees)
    >>> inputs["inner"], inputs["level_start"], inputs["leaf"]
    (array([2, 0, 5]), array([0, 1, 3]), array([1, 3, 4, 6]))
    """
    check_exported(model)
    forest = check_trees(model, X, reset=False)
    dtype = model.encoder_intercept_.dtype
    leaves = np.flatnonzero(forest.leaf_row >= 0)
    inner = np.flatnonzero(forest.leaf_row < 0)
    inner = inner[np.argsort(-forest.depth[inner], kind="stable")]
    parent, is_child = parents(forest), np.ones(len(forest.leaf_row), bool)
    is_child[forest.tree_start[:-1]] = False
    children = np.flatnonzero(is_child)
    children = children[np.argsort(-forest.depth[children], kind="stable")]
    by_leaves = model._fitted_with["child_weights"] == "leaves"
    weights = weigh_entering(
        forest,
        children,
        weigh(forest, children, parent, dtype),
        by_leaves=by_leaves,
        means=False,
    )
    level_start = starts(np.bincount(forest.depth[inner])[::-1])
    place = np.empty(len(is_child), np.int64)
    n_inner = np.diff(level_start)
    place[inner] = np.arange(len(inner)) - np.repeat(level_start[:-1], n_inner)
    return {
        "leaf_vector": entering(model, forest, leaves).astype(dtype),
        "leaf": leaves,
        "root": np.array(forest.tree_start[:-1], np.int64),
        "inner": inner,
        "level_start": level_start,
        "child": children,
        "child_start": starts(np.bincount(forest.depth[children])[:0:-1]),
        "parent": place[parent[children]],
        "weight": np.ascontiguousarray(weights, dtype),
    }


def check_exported(model: TreeModel) -> None:
    """Refuse what has no graph."""
    if type(model) not in (UnfoldingRAETransformer, RAETransformer):
        raise NotImplementedError(
            f"{type(model).__name__} is not exported to ONNX; of the estimators of "
            "trees UnfoldingRAETransformer and RAETransformer are."
        )
    check_is_fitted(model)
    if model._fitted_with["composition"] != "blend":
        raise NotImplementedError(
            f"composition={model._fitted_with['composition']!r} is not exported to "
            "ONNX; 'blend' is."
        )
    if model._poolings != ("root",):
        raise NotImplementedError(
            f"pooling={model.pooling!r} is not exported to ONNX; 'root' is, and the "
            "codes of all nodes, to be pooled afterwards."
        )


def entering(model: TreeModel, forest: Forest, leaves: Any) -> NDArray[np.generic]:
    """Return the vector that enters at each leaf: its own, or a learned one."""
    with model._ready(forest) as (network, parameters, known):
        rows = known.leaf_row[leaves]
        vectors: NDArray[np.generic] = known.leaf_table[rows].astype(network.dtype)
        learned: Any = parameters.leaf_table
        known_row: Any = known.known_row
        if learned is not None:
            place = known_row[rows]
            vectors[place >= 0] = learned[place[place >= 0]]
    return vectors
