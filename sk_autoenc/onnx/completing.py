"""Filled tables as outputs of a graph: an array, or columns where there is text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    StringTensorType,
)

from sk_autoenc.onnx.graph import Graph
from sk_autoenc.onnx.imputing import best_levels, encode, expected, filled_numbers
from sk_autoenc.onnx.pieces import affine, beside, cast, columns
from sk_autoenc.onnx.reading import Input, Table, are_single, joined


def impute(graph: Graph, model: Any, inputs: Sequence[Input]) -> list[str]:
    """Fill the holes of a table: one array, or a column each where there is text."""
    if model.sample_posterior:
        raise NotImplementedError(
            "sample_posterior=True draws at random, which is not exported. Set it to "
            "False: expected numbers and most probable levels."
        )
    table = Table(graph, inputs, model, model._fitted_with["missing_values"])
    encoded = encode(graph, model._encoding, table)
    filled = expected(graph, model._filler, encoded)
    missing = all_missing(graph, model, table, encoded.observed)
    if table.has_text:
        return completed_columns(graph, model, table, (filled, missing))
    completed = completed_array(graph, model, table, (filled, missing))
    if model.indicator_ is None:
        return [completed]
    flags = columns(graph, missing, model.indicator_.features_)
    return [beside(graph, [completed, cast(graph, flags, graph.dtype)])]


def all_missing(graph: Graph, model: Any, table: Table, observed: str) -> str:
    """Tell of all columns where nothing is, or a level that was never seen."""
    encoding, n_columns = model._encoding, len(model._encoding.columns)
    places = encoding.places
    empty = [k for k in range(n_columns) if k not in places]
    parts = [graph("Not", observed)]
    if empty:
        parts.append(table.missing(empty))
    return columns(graph, beside(graph, parts), np.argsort([*places, *empty]))


def completed_array(
    graph: Graph, model: Any, table: Table, result: tuple[str, str]
) -> str:
    """Write numbers into the holes of an array."""
    filled, missing = result
    encoding, kept, double = model._encoding, model._kept(), graph.of(np.float64)
    parts, sources = [], [*encoding.places]
    if encoding.numbers:
        parts.append(filled_numbers(graph, model, table, filled))
    for place, best in best_levels(graph, encoding, filled).items():
        levels = np.array([float(level) for level in encoding.columns[place].levels])
        parts.append(double("Gather", levels, best))
    # To the place of its column; what has no source, an empty column, gets 0.
    order = np.equal.outer(sources, kept).astype(float)
    values = cast(graph, affine(double, beside(graph, parts), order, None), graph.dtype)
    given = columns(graph, joined(graph, table.inputs), kept)
    return graph("Where", columns(graph, missing, kept), values, given)


def completed_columns(
    graph: Graph, model: Any, table: Table, result: tuple[str, str]
) -> list[str]:
    """Write numbers and strings into the holes of columns, each of its own type."""
    filled, missing = result
    values = values_of(graph, model, table, filled)
    completed = []
    for place in model._kept():
        if place not in values:
            raise NotImplementedError(
                f"keep_empty_features=True, and column {place} of X was empty in "
                "training, which is not exported beside strings. Drop the column."
            )
        hole = columns(graph, missing, [place])
        completed.append(written(graph, table, place, (hole, values[place])))
    if table.is_array:
        completed = [beside(graph, completed)]
    if model.indicator_ is not None:
        completed += [columns(graph, missing, [k]) for k in model.indicator_.features_]
    return completed


def values_of(graph: Graph, model: Any, table: Table, filled: str) -> dict[int, str]:
    """Return for each column what belongs into its holes, (n_rows, 1)."""
    encoding, values = model._encoding, {}
    if encoding.numbers:
        numbers = filled_numbers(graph, model, table, filled)
        for entry, place in enumerate(encoding.numbers):
            values[place] = columns(graph, numbers, [entry])
    for place, best in best_levels(graph, encoding, filled).items():
        values[place] = graph("Gather", levels_for(model, table, place), best)
    return values


def written(graph: Graph, table: Table, place: int, holes: tuple[str, str]) -> str:
    """Write values into the holes of a column, in its own type."""
    hole, value = holes
    given, column = table.input_of(place), table.column(place)
    if not given.is_text:
        value = cast(graph, value, given.dtype)
    if given.dtype is not np.bool_:
        return graph("Where", hole, value, column)
    # Of bools onnxruntime has no such choice.
    seen = graph("And", graph("Not", hole), column)
    return graph("Or", graph("And", hole, value), seen)


def levels_for(model: Any, table: Table, place: int) -> NDArray[Any]:
    """Return the levels of a category as its column holds them."""
    levels = model._encoding.columns[place].levels.tolist()
    return np.array(levels, object if table.input_of(place).is_text else np.float64)


def outputs_of_imputer(model: Any, inputs: Sequence[Input]) -> list[tuple[str, Any]]:
    """Name and type the outputs of a `DenoisingImputer`."""
    kept, flags = model._kept(), ()
    if model.indicator_ is not None:
        flags = model.indicator_.features_
    if not any(each.is_text for each in inputs):
        kind = FloatTensorType if are_single(inputs) else DoubleTensorType
        return [("variable", kind([None, len(kept) + len(flags)]))]
    if len(inputs) == 1:
        outputs = [("variable", StringTensorType([None, len(kept)]))]
    else:
        outputs = [
            (f"filled_{inputs[k].value}", type(inputs[k].type)([None, 1])) for k in kept
        ]
    names = model.get_feature_names_out()[len(kept) :]
    return outputs + [(name, BooleanTensorType([None, 1])) for name in names]
