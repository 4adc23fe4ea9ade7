"""Codes of a `TableDenoisingAutoencoder` as a graph: back to a table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)

import sk_autoenc.onnx.rows as row_graphs
from sk_autoenc.onnx.graph import Graph, Value
from sk_autoenc.onnx.pieces import affine, beside, cast, part
from sk_autoenc.onnx.reading import Input, are_single, joined, without_bools
from sk_autoenc.onnx.scalers import SCALERS
from sk_autoenc.onnx.tables import features_of
from sk_autoenc.tables.columns import all_numbers
from sk_autoenc.tables.numbers import BinnedNumbers


def is_text(group: Any) -> bool:
    """Tell whether a column holds strings; refuse what is neither that nor numbers."""
    if group.levels is None:
        return False
    levels = group.levels.tolist()
    if all(isinstance(level, str) for level in levels):
        return True
    if not all_numbers(map(without_bools, levels)):
        raise NotImplementedError(
            f"Column {group.name!r} has the levels {levels!r:.100}, for which ONNX has "
            "no type. Fit on levels that are all strings or all numbers."
        )
    return False


def type_of_column(group: Any, limits: Any, number: Any) -> Any:
    """Return the type of the output of a column."""
    if is_text(group):
        return StringTensorType
    if group.levels is not None and all(isinstance(v, bool) for v in group.levels):
        return BooleanTensorType
    return Int64TensorType if limits else number


def outputs_of_table(model: Any, inputs: Sequence[Input]) -> list[tuple[str, Any]]:
    """Name and type the outputs: one array, or a column each where there is text."""
    encoding = model._encoding
    number = FloatTensorType if are_single(inputs) else DoubleTensorType
    if not any(map(is_text, encoding.groups)):
        return [("variable", number([None, model.n_features_in_]))]
    if len(encoding.groups) < model.n_features_in_:
        raise NotImplementedError(
            "Columns of X that were empty in training are not exported beside strings. "
            "Drop them."
        )
    return [
        (
            f"decoded_{group.name}",
            type_of_column(group, encoding.integers[group.place], number)([None, 1]),
        )
        for group in sorted(encoding.groups, key=lambda group: group.place)
    ]


def inverse_transform(graph: Graph, model: Any, inputs: Sequence[Input]) -> list[str]:
    """Decode codes to a table."""
    return decode(graph, model, joined(graph, inputs))


def reconstruct(graph: Graph, model: Any, inputs: Sequence[Input]) -> list[str]:
    """Encode a table and decode the codes."""
    features = features_of(graph, model, inputs)
    codes = row_graphs.transform(graph, model.autoencoder_, features.values)
    return decode(graph, model, codes)


def decode(graph: Graph, model: Any, codes: str) -> list[str]:
    """Return the columns of codes, or all side by side."""
    encoding, double = model._encoding, graph.of(np.float64)
    features = row_graphs.inverse_transform(graph, model.autoencoder_, codes)
    features = cast(graph, features, np.float64)
    columns = {}
    for group, place in encoding.blocks():
        encoded = part(graph, features, place.start, place.start + group.n_encoded)
        back = numbers_of if group.levels is None else level_of
        column = back(double, group, encoded)
        limits = encoding.integers[group.place]
        if limits and not is_text(group):
            column = double("Clip", double("Round", column), *map(float, limits))
        columns[group.place] = column
    ordered = [columns[place] for place in sorted(columns)]
    if any(map(is_text, encoding.groups)):
        return ordered
    n_columns = model.n_features_in_
    order = np.equal.outer(sorted(columns), np.arange(n_columns)).astype(float)
    table = affine(double, beside(graph, ordered), order, None)
    if len(columns) == n_columns:
        return [table]
    took_part = np.isin(np.arange(n_columns), sorted(columns))
    return [double("Where", took_part, table, np.array(np.nan))]


def level_of(double: Graph, group: Any, encoded: str) -> str:
    """Return the level whose encoding is the nearest, (n_rows, 1)."""
    squares = np.square(group.codes).sum(axis=1)
    distance = affine(double, encoded, -2 * group.codes.T, squares)
    nearest = double("ArgMin", distance, axis=1, keepdims=1)
    levels = group.levels.tolist()
    kind = object if is_text(group) else np.float64
    return double("Gather", np.array(levels, kind), nearest)


def numbers_of(double: Graph, group: Any, encoded: str) -> str:
    """Return the numbers of a column from what its encoder gave, (n_rows, 1)."""
    encoder, scaling = group.encoder, group.scaling
    given = double("Add", double("Mul", encoded, scaling.scale), scaling.shift)
    if type(encoder) in SCALERS:
        return SCALERS[type(encoder)][1](double, encoder, given)
    if type(encoder) is BinnedNumbers:
        return from_bins(double, encoder, given)
    raise NotImplementedError(
        f"Column {group.name!r} has the encoder {type(encoder).__name__}, whose "
        "inverse is not exported; those of BinnedNumbers (the usual one), "
        "StandardScaler and MinMaxScaler are."
    )


def from_bins(double: Graph, encoder: Any, given: str) -> str:
    """Undo `BinnedNumbers`: the size, within the numbers of the likeliest piece."""
    size = part(double, given, 0, 1)
    grown, shrunk = double("Exp", size), double("Exp", double("Neg", size))
    number = double("Mul", double("Sub", grown, shrunk), 0.5)  # sinh
    number = double("Mul", number, float(encoder.scale_))
    number = double("Add", number, float(encoder.mean_))
    number = double("Mul", number, float(encoder.size_))
    low: Value = np.array(encoder.smallest_)
    high: Value = np.array(encoder.largest_)
    if len(encoder.ends_):
        pieces = part(double, given, 1, 2 + len(encoder.ends_))
        piece = double("ArgMax", pieces, axis=1, keepdims=1)
        low, high = double("Gather", low, piece), double("Gather", high, piece)
    return double("Min", double("Max", number, low), high)
