"""The nodes of the graph of a tree encoder: leaves, and the step of one level."""

from typing import Any

import numpy as np
from onnx import GraphProto, TensorProto, helper

from sk_autoenc.onnx.graph import Graph, integers, type_of
from sk_autoenc.onnx.pieces import activate, affine, beside, part, sum_of_rows
from sk_autoenc.recursive import RAETransformer, UnfoldingRAETransformer

TreeModel = UnfoldingRAETransformer | RAETransformer


def leaf_codes(graph: Graph, model: TreeModel) -> str:
    """Return the codes of all nodes, those of leaves filled in, the others 0."""
    codes = "leaf_vector"
    if "leaf_encoder_" in vars(model):
        codes = affine(
            graph, codes, model.leaf_encoder_.T, model.leaf_encoder_intercept_
        )
    n_nodes = graph("Add", graph("Size", "leaf"), graph("Size", "inner"))
    return scattered(graph, n_nodes, model._n_components(), ("leaf", codes))


def scattered(graph: Graph, n_rows: str, width: int, what: tuple[str, str]) -> str:
    """Add rows up at their places in an array of zeros."""
    places, rows = what
    shape = graph("Concat", as_row(graph, n_rows), integers(width), axis=0)
    value = helper.make_tensor("zero", type_of(graph.dtype), [1], [0.0])
    zeros = graph("ConstantOfShape", shape, value=value)
    places = graph("Unsqueeze", places, integers(1))
    return graph("ScatterND", zeros, places, rows, reduction="add")


def as_row(graph: Graph, number: str) -> str:
    """Make an array of one dimension of a number."""
    return graph("Reshape", number, integers(1))


def level(model: TreeModel) -> GraphProto:
    """Return the step that encodes the inner nodes of one level."""
    body, n = Graph("level_", model.encoder_intercept_.dtype), model._n_components()
    child, parent, weight = of_level(body, "child_start", "child", "parent", "weight")
    [inner] = of_level(body, "level_start", "inner")
    below = body("Gather", "codes_before", child, axis=0)
    sides = [body("Mul", below, part(body, weight, k, k + 1)) for k in (0, 1)]
    enter = parent, beside(body, sides)
    sums = scattered(body, body("Size", inner), 2 * n, enter)
    weights = np.hstack([model.encoder_left_, model.encoder_right_])
    codes = affine(body, sums, weights.T, model.encoder_intercept_)
    codes = finish(body, model, codes)
    places = body("Unsqueeze", inner, integers(1))
    after = body("ScatterND", "codes_before", places, codes)
    still = body("Identity", "go_on")
    kind = type_of(body.dtype)
    shape: list[str | int | None] = ["n_nodes", n]
    return body.proto(
        "level",
        [
            helper.make_tensor_value_info("level", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("codes_before", kind, shape),
        ],
        [
            helper.make_tensor_value_info(still, TensorProto.BOOL, []),
            helper.make_tensor_value_info(after, kind, shape),
        ],
    )


def of_level(graph: Graph, start: str, *arrays: str) -> list[str]:
    """Take the parts of arrays that belong to the level of a step."""
    first = as_row(graph, graph("Gather", start, "level", axis=0))
    following = graph("Add", "level", np.array(1))
    last = as_row(graph, graph("Gather", start, following, axis=0))
    return [graph("Slice", array, first, last, integers(0)) for array in arrays]


def finish(graph: Graph, model: TreeModel, codes: str) -> str:
    """Apply the activation, and divide each code by its length if that is asked for."""
    name = model._fitted_with["encoder_activation"]
    if not model._fitted_with.get("normalize"):
        return activate(graph, name, codes)
    if name == "logistic":
        codes = scaled_logistic(graph, codes)
    else:
        codes = activate(graph, name, codes)
    for length in (largest, euclidean):  # the first so that no square overflows
        size = length(graph, graph("Abs", codes))
        is_zero = graph("Equal", size, 0.0)
        size = graph("Where", is_zero, np.array(1, graph.dtype), size)
        codes = graph("Div", codes, size)
    return codes


def largest(graph: Graph, values: str) -> str:
    """Return the largest value of each row, (n_rows, 1)."""
    return graph.several("TopK", values, integers(1), n_outputs=2, axis=1)[0]


def euclidean(graph: Graph, values: str) -> str:
    """Return the length of each row, (n_rows, 1)."""
    return graph("Sqrt", sum_of_rows(graph, graph("Mul", values, values)))


def scaled_logistic(graph: Graph, value: str) -> str:
    """s(a) / c for a c of each row, as `parts.activations.scaled_logistic`."""
    decay = graph("Exp", graph("Neg", graph("Abs", value)))
    low = graph("Min", value, 0.0)
    low = graph("Sub", low, graph("Ceil", largest(graph, low)))
    return graph("Div", graph("Exp", low), graph("Add", decay, 1.0))


def inputs_of(model: TreeModel) -> list[Any]:
    """Describe the arrays that the model reads."""
    kind = type_of(model.encoder_intercept_.dtype)
    shapes = {
        "leaf": "n_leaves",
        "root": "n_trees",
        "inner": "n_inner",
        "level_start": "n_starts",
        "child": "n_children",
        "child_start": "n_starts",
        "parent": "n_children",
    }
    vectors: list[str | int | None] = ["n_leaves", model.n_features_in_]
    return [
        helper.make_tensor_value_info("leaf_vector", kind, vectors),
        helper.make_tensor_value_info("weight", kind, ["n_children", 2]),
        *(
            helper.make_tensor_value_info(name, TensorProto.INT64, [size])
            for name, size in shapes.items()
        ),
    ]


def outputs_of(model: TreeModel) -> list[Any]:
    """Describe the codes."""
    kind, n = type_of(model.encoder_intercept_.dtype), model._n_components()
    return [
        helper.make_tensor_value_info("codes", kind, ["n_trees", n]),
        helper.make_tensor_value_info("node_codes", kind, ["n_nodes", n]),
    ]
