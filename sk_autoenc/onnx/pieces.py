"""The pieces that graphs of models are made of.

Where a piece takes a `Value`, that is the name of one or a constant; what it returns is
a name.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sk_autoenc._typing import FloatArray
from sk_autoenc.onnx.graph import Graph, Value, integers, type_of


def cast(graph: Graph, value: Value, dtype: Any) -> str:
    """Give a value another type."""
    return graph("Cast", value, to=type_of(dtype))


def columns(graph: Graph, value: Value, places: Any) -> str:
    """Take some columns."""
    return graph("Gather", value, np.asarray(places, np.int64), axis=1)


def part(graph: Graph, value: Value, start: int, stop: int) -> str:
    """Take the columns from one to before another."""
    return graph(
        "Slice", value, integers(start), integers(stop), integers(1), integers(1)
    )


def beside(graph: Graph, parts: Sequence[str]) -> str:
    """Put parts side by side."""
    return parts[0] if len(parts) == 1 else graph("Concat", *parts, axis=1)


def sum_of_rows(graph: Graph, value: Value) -> str:
    """Sum each row: (n_rows, 1)."""
    return graph("ReduceSum", value, integers(1), keepdims=1)


def where_missing(graph: Graph, missing: Value, value: Value) -> str:
    """Put 0 where something is missing."""
    return graph("Where", missing, np.array(0, graph.dtype), value)


def affine(
    graph: Graph, rows: Value, coef: FloatArray, intercept: FloatArray | None
) -> str:
    """Return ``rows @ coef + intercept``."""
    product = graph("MatMul", rows, graph.own(coef))
    if intercept is None:
        return product
    return graph("Add", product, graph.own(intercept))


def arcsinh(graph: Graph, value: Value) -> str:
    """Return arsinh(x), as sign(x) log(|x| + sqrt(x^2 + 1)).

    onnxruntime's own operator has no float64. Where x^2 is no number, log(2 |x|).
    """
    size = graph("Abs", value)
    root = graph("Sqrt", graph("Add", graph("Mul", size, size), 1.0))
    usual = graph("Log", graph("Add", size, root))
    far = graph("Add", graph("Log", graph("Max", size, 1.0)), float(np.log(2.0)))
    is_far = graph("Greater", size, float(np.sqrt(np.finfo(graph.dtype).max)) / 2)
    return graph("Mul", graph("Sign", value), graph("Where", is_far, far, usual))


def log1p(graph: Graph, value: Value) -> str:
    """Return log(1 + x), to rounding of 1."""
    return graph("Log", graph("Add", value, 1.0))


def logistic(graph: Graph, value: Value) -> str:
    """s(a) = (1 + tanh(a / 2)) / 2."""
    half = graph("Tanh", graph("Mul", value, 0.5))
    return graph("Add", graph("Mul", half, 0.5), 0.5)


ACTIVATION_GRAPHS: dict[str, Callable[[Graph, str], str]] = {
    "identity": lambda graph, value: value,
    "logistic": logistic,
    "tanh": lambda graph, value: graph("Tanh", value),
    "relu": lambda graph, value: graph("Relu", value),
}
"""Every activation of ``parts.activations.ACTIVATIONS``, by name."""


def activate(graph: Graph, name: str, value: str) -> str:
    """Apply an activation."""
    if name not in ACTIVATION_GRAPHS:
        raise NotImplementedError(
            f"activation={name!r} is not one of those that are exported to ONNX: "
            f"{sorted(ACTIVATION_GRAPHS)}."
        )
    return ACTIVATION_GRAPHS[name](graph, value)


def softmax_of_blocks(
    graph: Graph, value: str, widths: Sequence[int], is_category: Sequence[bool]
) -> str:
    """Make probabilities of the columns of each category; numbers stay."""
    merged: list[tuple[int, bool]] = []
    for wide, category in zip(map(int, widths), map(bool, is_category), strict=True):
        if not category and merged and not merged[-1][1]:
            merged[-1] = merged[-1][0] + wide, False
        elif wide:
            merged.append((wide, category))
    parts = [value]
    if len(merged) > 1:
        sizes = integers(*(wide for wide, _ in merged))
        parts = graph.several("Split", value, sizes, n_outputs=len(merged), axis=1)
    finished = [
        graph("Softmax", each, axis=1) if category else each
        for each, (_, category) in zip(parts, merged, strict=True)
    ]
    return beside(graph, finished)
