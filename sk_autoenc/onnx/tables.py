"""`TableDenoisingAutoencoder` as a graph: the features of columns, codes and scores."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import OneHotEncoder

import sk_autoenc.onnx.rows as row_graphs
from sk_autoenc._typing import FloatArray
from sk_autoenc.onnx.graph import Graph
from sk_autoenc.onnx.pieces import (
    affine,
    arcsinh,
    beside,
    cast,
    part,
    sum_of_rows,
    where_missing,
)
from sk_autoenc.onnx.reading import Input, Table
from sk_autoenc.onnx.scalers import SCALERS
from sk_autoenc.tables.encoding import FURTHEST
from sk_autoenc.tables.numbers import LARGEST, BinnedNumbers
from sk_autoenc.tables.reading import Table as GivenTable


class Features(NamedTuple):
    """What the autoencoder gets of a table, in its graph's type."""

    values: str
    """(n_rows, n_features), NaN where something is missing."""
    missing: list[str]
    """Of each group, bool, (n_rows, 1)."""


def features_of(graph: Graph, model: Any, inputs: Sequence[Input]) -> Features:
    """Encode a table, as `tables.encoders.TableEncoding` does."""
    inner = type(model.autoencoder_)
    if inner not in row_graphs.WAYS:
        raise NotImplementedError(
            f"autoencoder={inner.__name__} is not exported; these are: "
            f"{sorted(kind.__name__ for kind in row_graphs.WAYS)}."
        )
    table = Table(graph, inputs, model, model._fitted_with["missing_values"])
    blocks, missing = [], []
    for group in model._encoding.groups:
        encode = encode_numbers if group.is_number else encode_levels
        block, holes = encode(graph.of(np.float64), group, table)
        blocks.append(block)
        missing.append(holes)
    return Features(cast(graph, beside(graph, blocks), graph.dtype), missing)


def encode_numbers(double: Graph, group: Any, table: Table) -> tuple[str, str]:
    """Encode a column of numbers; tell where it is missing."""
    kind = type(group.encoder)
    missing = table.missing([group.place])
    column = table.numbers([group.place], np.float64)
    column = where_missing(double, missing, column)
    if kind is BinnedNumbers:
        encoded = binned(double, group.encoder, column)
    elif kind in SCALERS:
        encoded = SCALERS[kind][0](double, group.encoder, column)
    else:
        raise NotImplementedError(
            f"Column {group.name!r} has the encoder {kind.__name__}, which is not "
            "exported; of numbers BinnedNumbers (the usual one), StandardScaler and "
            "MinMaxScaler are."
        )
    scaling = group.scaling
    encoded = double("Sub", encoded, scaling.shift)
    encoded = double("Div", encoded, scaling.scale)
    encoded = double("Clip", encoded, -FURTHEST, FURTHEST)
    hole = np.full(group.width, np.nan)
    if group.has_indicator:
        encoded = double("Pad", encoded, np.array([0, 0, 0, 1]), np.array(0.0))
        hole[-1] = 1
    return double("Where", missing, hole, encoded), missing


def binned(double: Graph, encoder: Any, column: str) -> str:
    """Encode numbers by `BinnedNumbers`: size, and a 1 for the piece."""
    unit = double("Div", column, float(encoder.size_))
    unit = double("Div", double("Sub", unit, encoder.mean_), encoder.scale_)
    size = arcsinh(double, double("Clip", unit, -LARGEST, LARGEST))
    if not len(encoder.ends_):
        return size
    above = cast(double, double("GreaterOrEqual", column, encoder.ends_), np.float64)
    # A number is above the ends of all pieces before its own.
    low = double("Pad", above, np.array([0, 1, 0, 0]), np.array(1.0))
    high = double("Pad", above, np.array([0, 0, 0, 1]), np.array(0.0))
    return beside(double, [size, double("Sub", low, high)])


def encode_levels(double: Graph, group: Any, table: Table) -> tuple[str, str]:
    """Encode a category, of which the rows of all levels are known."""
    if type(group.encoder) is not OneHotEncoder or (
        group.encoder.handle_unknown == "error"
    ):
        raise NotImplementedError(
            f"Column {group.name!r} has the encoder {group.encoder!r}, which is not "
            "exported; of categories OneHotEncoder is, if handle_unknown is not "
            "'error'."
        )
    levels = group.encoder.categories_[0].tolist()
    one_hot = cast(double, table.one_hot(group.place, levels), np.float64)
    missing = table.missing([group.place])
    (known, unknown, hole), is_missing = rows_of_levels(group, levels, table.n_columns)
    encoded = affine(double, one_hot, known, None)
    if is_missing:  # a level that was never seen
        missing = double("Less", sum_of_rows(double, one_hot), 0.5)
    else:
        is_new = double("Sub", 1.0, sum_of_rows(double, one_hot))
        encoded = double("Add", encoded, double("Mul", is_new, unknown))
    return double("Where", missing, hole, encoded), missing


def rows_of_levels(
    group: Any, levels: list[Any], n_columns: int
) -> tuple[tuple[FloatArray, FloatArray, FloatArray], bool]:
    """Return what Python makes of each level, of one never seen, and of none.

    Returns
    -------
    rows : tuple of ndarray, of shape (n_levels, width), (width,) and (width,)
    is_missing : bool
        Whether a level that was never seen is taken as missing.
    """
    new: Any = "x".join(["", *map(str, levels)])
    if not all(isinstance(level, str) for level in levels):
        new = float(max(levels)) + 1.0
    column = np.array([*levels, new, None], object)
    missing = np.zeros((len(column), n_columns), bool)
    missing[-1] = True
    columns: list[NDArray[Any]] = [column] * n_columns
    names = [group.name] * n_columns
    given = GivenTable(missing, names, columns, [], [None] * n_columns, missing)
    encoded, holes = group.encode(given)
    rows = encoded.toarray()
    return (rows[:-2], rows[-2], rows[-1]), bool(holes[-2])


def transform(graph: Graph, model: Any, inputs: Sequence[Input]) -> list[str]:
    """Return codes of a table."""
    features = features_of(graph, model, inputs)
    return [row_graphs.transform(graph, model.autoencoder_, features.values)]


def errors_of(
    graph: Graph, model: Any, inputs: Sequence[Input]
) -> tuple[list[str], list[str]]:
    """Return of each group its error, (n_rows, 1), and where it is missing."""
    features = features_of(graph, model, inputs)
    squares = row_graphs.reconstruction_error(
        graph, model.autoencoder_, features.values
    )
    errors = []
    pairs = zip(model._encoding.blocks(), features.missing, strict=True)
    for (_, place), missing in pairs:
        total = sum_of_rows(graph, part(graph, squares, place.start, place.stop))
        errors.append(where_missing(graph, missing, total))
    return errors, features.missing


def reconstruction_error(
    graph: Graph, model: Any, inputs: Sequence[Input]
) -> list[str]:
    """Return the error of every entry; of columns that took no part 0."""
    errors, _ = errors_of(graph, model, inputs)
    places = [group.place for group in model._encoding.groups]
    order = np.equal.outer(places, np.arange(model.n_features_in_)).astype(float)
    return [affine(graph, beside(graph, errors), order, None)]


def score_samples(graph: Graph, model: Any, inputs: Sequence[Input]) -> list[str]:
    """Return minus half the error of each row, (n_rows, 1)."""
    errors, missing = errors_of(graph, model, inputs)
    seen = cast(graph, graph("Not", beside(graph, missing)), graph.dtype)
    n_observed = graph("Max", sum_of_rows(graph, seen), 1.0)
    total = sum_of_rows(graph, beside(graph, errors))
    scaled = graph("Div", graph("Mul", total, model.n_features_in_ / 2), n_observed)
    return [graph("Sub", 0.0, scaled)]
