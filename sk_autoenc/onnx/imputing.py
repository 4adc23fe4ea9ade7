"""`DenoisingImputer` as a graph: encoded columns, networks, the Gaussian, and back.

Networks compute in float32 and the Gaussian in float64, as in Python.
"""

from typing import Any, NamedTuple

import numpy as np
from onnx import GraphProto, TensorProto, helper

from sk_autoenc.networks import layered
from sk_autoenc.onnx.graph import Graph, integers
from sk_autoenc.onnx.pieces import (
    activate,
    affine,
    beside,
    cast,
    columns,
    part,
    softmax_of_blocks,
    sum_of_rows,
    where_missing,
)
from sk_autoenc.onnx.reading import Table
from sk_autoenc.tables.encoding import FURTHEST


class Encoded(NamedTuple):
    """What networks and the Gaussian see of a table."""

    values: str
    """Float32, (n_rows, n_encoded); 0 where nothing is observed."""
    observed: str
    """Bool, (n_rows, n_entries)."""


def encode(graph: Graph, encoding: Any, table: Table) -> Encoded:
    """Encode the columns of a table, as `tables.encoding.Encoding` does."""
    double, values, observed = graph.of(np.float64), [], []
    if encoding.numbers:
        learned = [encoding.columns[place] for place in encoding.numbers]
        mean = np.array([column.mean for column in learned])
        scale = np.array([column.scale or 1.0 for column in learned])
        missing = table.missing(encoding.numbers)
        numbers = table.numbers(encoding.numbers, np.float64)
        numbers = where_missing(double, missing, numbers)
        numbers = double("Div", double("Sub", numbers, mean), scale)
        numbers = double("Clip", numbers, -FURTHEST, FURTHEST)
        numbers = where_missing(double, missing, numbers)
        values.append(cast(graph, numbers, np.float32))
        observed.append(graph("Not", missing))
    for place in encoding.categories:
        one_hot = table.one_hot(place, encoding.columns[place].levels)
        values.append(cast(graph, one_hot, np.float32))
        n_found = sum_of_rows(graph, values[-1])
        observed.append(graph("Greater", n_found, np.array(0, np.float32)))
    return Encoded(beside(graph, values), beside(graph, observed))


def network_inputs(graph: Graph, layout: Any, encoded: Encoded) -> str:
    """Return values, what is visible, and the pieces of numbers, Eq. (54)."""
    visible, bins = cast(graph, encoded.observed, np.float32), layout.bins
    inputs = [encoded.values, visible]
    if len(bins.column):
        pieces = columns(graph, encoded.values, bins.column)
        pieces = graph("Div", graph("Sub", pieces, bins.start), bins.width)
        pieces = graph("Sub", graph("Clip", pieces, 0.0, 1.0), bins.mean)
        shown = columns(graph, visible, bins.column)
        inputs.append(graph("Mul", pieces, shown))
    return beside(graph, inputs)


def by_network(graph: Graph, layout: Any, flat: Any, inputs: str) -> str:
    """Return numbers and probabilities of levels as one network sees them."""
    architecture = layout.architecture
    shapes = layered.parameter_shapes(architecture)
    parameters: Any = layered.Parameters(shapes, flat)
    output = inputs
    for k, (weights, intercept) in enumerate(parameters.layers, 1):
        output = affine(graph, output, weights.T, intercept)
        if k <= architecture.n_hidden:
            output = activate(graph, layout.activation, output)
    past = affine(graph, inputs, parameters.shortcut.T, None)
    widths = [layout.n_numbers, *layout.n_levels]
    is_category = [False, *[True] * len(layout.n_levels)]
    return softmax_of_blocks(graph, graph("Add", output, past), widths, is_category)


def by_gaussian(graph: Graph, layout: Any, model: Any, encoded: Encoded) -> str:
    """Return the Gaussian's guess of the columns that it is about, Eq. (60).

    Every row has its own hidden columns: where one is visible the matrix P_hh has a row
    and a column of the unit matrix, and the right side a 0.
    """
    double, n = graph.of(np.float64), len(model.mean)
    rows = cast(graph, part(graph, encoded.values, 0, n), np.float64)
    visible = columns(graph, encoded.observed, layout.column_of[:n])
    start = double("Where", visible, rows, model.mean)
    force = affine(double, double("Sub", model.mean, start), model.precision, None)
    hidden = cast(graph, graph("Not", visible), np.float64)
    right = double("Unsqueeze", double("Mul", hidden, force), integers(2))
    across = double("Unsqueeze", hidden, integers(1))
    down = double("Unsqueeze", hidden, integers(2))
    unit = double("Mul", double("Sub", 1.0, down), np.eye(n))
    matrices = double("Mul", double("Mul", across, down), model.precision)
    matrices = double("Add", matrices, unit)
    moved = solve(double, double("Concat", matrices, right, axis=2), n)
    return cast(graph, double("Add", start, moved), np.float32)


def solve(graph: Graph, matrices: str, n: int) -> str:
    """Solve systems of n equations, (n_rows, n, n + 1), the right side at the end.

    Elimination without a choice of pivots, which positive definite matrices allow.
    """
    name = f"{graph.prefix}{len(graph.nodes)}_"
    [solved] = graph.several(
        "Loop",
        np.array(n, np.int64),
        np.array(True),
        matrices,
        n_outputs=1,
        body=elimination(name, n),
    )
    return graph("Gather", solved, np.array(n), axis=2)


def elimination(prefix: str, n: int) -> GraphProto:
    """Return the step that makes column k of each matrix that of the unit matrix."""
    body = Graph(f"{prefix}b", np.float64)
    k, go_on, matrices = (f"{prefix}{name}" for name in ("k", "go_on", "matrices"))
    row = body("Gather", matrices, k, axis=1)  # (n_rows, n + 1)
    column = body("Gather", matrices, k, axis=2)  # (n_rows, n)
    pivot = body("Gather", column, k, axis=1)
    pivot = body("Unsqueeze", pivot, integers(1))
    row = body("Unsqueeze", body("Div", row, pivot), integers(1))
    factor = body("Sub", column, body("Gather", np.eye(n), k, axis=0))
    factor = body("Unsqueeze", factor, integers(2))
    rest = body("Sub", matrices, body("Mul", factor, row))
    still = body("Identity", go_on)
    shape = [None, n, n + 1]
    return body.proto(
        f"{prefix}elimination",
        [
            helper.make_tensor_value_info(k, TensorProto.INT64, []),
            helper.make_tensor_value_info(go_on, TensorProto.BOOL, []),
            helper.make_tensor_value_info(matrices, TensorProto.DOUBLE, shape),
        ],
        [
            helper.make_tensor_value_info(still, TensorProto.BOOL, []),
            helper.make_tensor_value_info(rest, TensorProto.DOUBLE, shape),
        ],
    )


def expected(graph: Graph, filler: Any, encoded: Encoded) -> str:
    """Return expected numbers and probabilities of levels, Eq. (62), float32."""
    graph, layout = graph.of(np.float32), filler.layout
    inputs = network_inputs(graph, layout, encoded)
    parts = [by_network(graph, layout, flat, inputs) for flat in filler.members]
    total = parts[0]
    for each in parts[1:]:
        total = graph("Add", total, each)
    filled = graph("Div", total, float(len(parts)))
    n, n_values = layout.n_numbers, len(layout.column_of)
    if not n:
        return filled
    linear, weight = filler.blend
    numbers = graph("Mul", part(graph, filled, 0, n), float(weight))
    if linear:
        guess = by_gaussian(graph, layout, filler.gaussian, encoded)
        guess = graph("Mul", part(graph, guess, 0, n), float(linear))
        numbers = graph("Add", numbers, guess)
    if n == n_values:
        return numbers
    return beside(graph, [numbers, part(graph, filled, n, n_values)])


def filled_numbers(graph: Graph, model: Any, table: Table, filled: str) -> str:
    """Return what belongs into holes of numbers, float64, (n_rows, n_numbers)."""
    encoding, double = model._encoding, graph.of(np.float64)
    places, learned = encoding.numbers, model._fitted_with
    low, high = (bound[places].copy() for bound in learned["bounds"])
    whole = np.array(
        [
            (encoding.columns[k].is_whole and learned["keep_integers"])
            or (table.input_of(k).is_whole and not table.is_array)
            for k in places
        ]
    )
    low[whole], high[whole] = np.ceil(low[whole]), np.floor(high[whole])
    mean = np.array([encoding.columns[k].mean for k in places])
    scale = np.array([encoding.columns[k].scale for k in places])
    numbers = cast(graph, part(graph, filled, 0, len(places)), np.float64)
    numbers = double("Add", double("Mul", numbers, scale), mean)
    if whole.any():
        numbers = double("Where", whole, double("Round", numbers), numbers)
    return double("Min", double("Max", numbers, low), high)


def best_levels(graph: Graph, encoding: Any, filled: str) -> dict[int, str]:
    """Return for each category the number of its most probable level, (n_rows, 1)."""
    ends = encoding.block_start
    return {
        place: graph("ArgMax", part(graph, filled, start, stop), axis=1, keepdims=1)
        for place, start, stop in zip(
            encoding.categories, ends[:-1], ends[1:], strict=True
        )
    }
