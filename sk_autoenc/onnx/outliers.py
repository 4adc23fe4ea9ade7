"""`ReconstructionOutlierDetector` as a graph: residuals, distances, scores, labels.

The model computes in the type of the rows; all else in float64, as in Python.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

import sk_autoenc.onnx.rows as row_graphs
from sk_autoenc.onnx.graph import Graph, integers
from sk_autoenc.onnx.pieces import (
    affine,
    arcsinh,
    cast,
    log1p,
    sum_of_rows,
    where_missing,
)
from sk_autoenc.onnx.scalers import SCALERS
from sk_autoenc.residuals import FARTHEST, N_ROUNDS, ROUNDING, STRAIGHT

NEARLY = {np.dtype(np.float32): 1e-11, np.dtype(np.float64): 1e-24}
"""Squared distance up to which two scaled rows are one, as far as rounding goes."""


def reconstruct(graph: Graph, model: Any, rows: str) -> str:
    """Give rows back by what a detector has fitted."""
    if type(model) in row_graphs.WAYS:
        return row_graphs.reconstruct(graph, model, rows)
    undo = []
    steps = (
        [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    )
    for step in steps:
        if step in (None, "passthrough"):
            continue
        if type(step) in row_graphs.WAYS:
            there = row_graphs.WAYS[type(step)].transform
            back = row_graphs.WAYS[type(step)].inverse_transform
        elif type(step) in SCALERS:
            there, back = SCALERS[type(step)]
        else:
            names = sorted(kind.__name__ for kind in {**row_graphs.WAYS, **SCALERS})
            raise NotImplementedError(
                f"A detector whose estimator has a {type(step).__name__} is not "
                f"exported; with these, or pipelines of them, it is: {names}."
            )
        rows = there(graph, step, rows)
        undo.append((back, step))
    for back, step in reversed(undo):
        rows = back(graph, step, rows)
    return rows


def scaled(double: Graph, scale: Any, rows: str) -> str:
    """Standardise rows and squash what lies far out, as `residuals.Scale` does."""
    rows = double("Div", double("Sub", rows, scale.center), scale.width)
    bent = arcsinh(double, double("Div", rows, STRAIGHT))
    return double("Clip", double("Mul", bent, STRAIGHT), -FARTHEST, FARTHEST)


def measure(graph: Graph, measured: Any, filled: str) -> str:
    """Return the residuals of rows without holes, float64."""
    double = graph.of(np.float64)
    vectors = cast(graph, filled, np.float64)
    if measured.groups is None:
        restored = reconstruct(graph, measured.model, filled)
        return double("Sub", cast(graph, restored, np.float64), vectors)
    # One mask for each group of each round, (n_masks, 1, n_features).
    hidden = np.array(
        [groups == k for groups in measured.groups for k in range(groups.max() + 1)]
    )[:, None]
    shown = cast(graph, double("Where", hidden, measured.means, vectors), graph.dtype)
    n_features = hidden.shape[-1]
    flat = graph("Reshape", shown, integers(-1, n_features))
    restored = reconstruct(graph, measured.model, flat)
    restored = cast(graph, restored, np.float64)
    shape = integers(len(hidden), -1, n_features)
    errors = double("Sub", double("Reshape", restored, shape), vectors)
    squares = double("Where", hidden, double("Mul", errors, errors), np.array(0.0))
    total = double("ReduceSum", squares, integers(0), keepdims=0)
    return double("Sqrt", double("Div", total, float(N_ROUNDS)))


def residuals(graph: Graph, measured: Any, rows: str, has_value: str) -> str:
    """Return the residuals of rows, 0 where nothing is to be compared, float64."""
    double = graph.of(np.float64)
    vectors = cast(graph, rows, np.float64)
    filled = cast(
        graph, double("Where", has_value, vectors, measured.means), graph.dtype
    )
    found = measure(graph, measured, filled)
    least = double("Mul", double("Abs", cast(graph, filled, np.float64)), ROUNDING)
    is_more = double("Greater", double("Abs", found), least)
    counts = double("And", is_more, has_value)
    return double("Where", counts, found, np.array(0.0))


def ratio(double: Graph, found: str, mean_squared: Any) -> str:
    """r^2 over its mean in training."""
    return double("Div", double("Mul", found, found), mean_squared)


def mahalanobis(double: Graph, found: str, learned: Any) -> str:
    """r_j (S^-1 r)_j."""
    spread, precision = learned
    standardised = double("Div", found, spread)
    return double("Mul", standardised, affine(double, standardised, precision, None))


def log_ratio(double: Graph, found: str, mean_squared: Any) -> str:
    """log(1 + r^2 / its mean)."""
    return log1p(double, ratio(double, found, mean_squared))


SCORE_GRAPHS: dict[str, Callable[[Graph, str, Any], str]] = {
    "hidden_near": log_ratio,
    "hidden": log_ratio,
    "log": log_ratio,
    "ratio": ratio,
    "squared_error": lambda double, found, learned: double("Mul", found, found),
    "mahalanobis": mahalanobis,
}
"""Every one of ``parts.outlier_scores.OUTLIER_SCORES``, by name."""


def distances(graph: Graph, near: Any, rows: str, missing: str) -> str:
    """Return log(1 + d^2 / its mean) of each row, (n_rows, 1), as `Neighbours` does.

    `rows` are float64, of numbers of the graph's type.
    """
    double = graph.of(np.float64)
    if near.scale is not None:
        rows = scaled(double, near.scale, rows)
    rows = where_missing(double, missing, rows)
    n_nearest = near.tree.n_neighbors
    squares = np.square(near.kept).sum(axis=1)
    # |x|^2, alike for all, is left out; the nearest have their distance without.
    crossed = affine(double, rows, -2 * near.kept.T, squares)
    _, nearest = double.several(
        "TopK", crossed, integers(n_nearest), n_outputs=2, axis=1, largest=0, sorted=1
    )
    kept = double("Gather", near.kept, nearest, axis=0)
    apart = double("Sub", kept, double("Unsqueeze", rows, integers(1)))
    apart = double("ReduceSum", double("Mul", apart, apart), integers(2), keepdims=0)
    ordered, _ = double.several(
        "TopK", apart, integers(n_nearest), n_outputs=2, axis=1, largest=0, sorted=1
    )
    first, last, before = (
        double("Gather", ordered, integers(k), axis=1)
        for k in (0, n_nearest - 1, n_nearest - 2)
    )
    # A row of training is not its own neighbour.
    is_kept = double("LessOrEqual", first, NEARLY[graph.dtype])
    square = double("Where", is_kept, last, before)
    return log1p(double, double("Div", square, float(near.mean_square)))


def contributions(graph: Graph, model: Any, rows: str) -> str:
    """Return what each feature adds, float64."""
    double, measured = graph.of(np.float64), model._residuals
    missing = graph("IsNaN", rows)
    has_value = graph("And", graph("Not", missing), measured.was_seen)
    vectors = cast(graph, rows, np.float64)
    if model._scale is not None:
        vectors = scaled(double, model._scale, vectors)
        vectors = cast(graph, cast(graph, vectors, graph.dtype), np.float64)
    rows = cast(graph, vectors, graph.dtype)
    found = residuals(graph, measured, rows, has_value)
    added = SCORE_GRAPHS[model.outlier_score_](double, found, model._learned)
    present = cast(graph, has_value, np.float64)
    n_values = double("Max", sum_of_rows(double, present), 1.0)
    added = double("Div", added, n_values)
    if model._near is None:
        return added
    total = sum_of_rows(double, added)
    is_more = double("Greater", total, 0.0)
    divisor = double("Where", is_more, total, np.array(1.0))
    share = double(
        "Where", is_more, double("Div", added, divisor), double("Div", 1.0, n_values)
    )
    near = distances(graph, model._near, vectors, missing)
    return double("Add", added, double("Mul", double("Mul", share, present), near))


def score_samples(graph: Graph, model: Any, rows: str) -> str:
    """Return minus the sum of the contributions, (n_rows, 1)."""
    double = graph.of(np.float64)
    return double("Neg", sum_of_rows(double, contributions(graph, model, rows)))


def predict(graph: Graph, model: Any, rows: str) -> list[str]:
    """Return -1 for outliers and 1 for inliers, (n_rows,), and `decision_function`."""
    double = graph.of(np.float64)
    scores = double("Sub", score_samples(graph, model, rows), float(model.offset_))
    is_outlier = double("Squeeze", double("Less", scores, 0.0), integers(1))
    label = graph("Where", is_outlier, np.array(-1), np.array(1))
    return [label, scores]
