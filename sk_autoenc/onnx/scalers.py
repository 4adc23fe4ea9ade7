"""Scalers of scikit-learn as graphs, there and back."""

from collections.abc import Callable
from typing import Any

from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sk_autoenc.onnx.graph import Graph


def standardise(graph: Graph, model: Any, rows: str) -> str:
    """Scale by a `StandardScaler`."""
    if model.mean_ is not None and model.with_mean:
        rows = graph("Sub", rows, graph.own(model.mean_))
    if model.scale_ is not None:
        rows = graph("Div", rows, graph.own(model.scale_))
    return rows


def undo_standardise(graph: Graph, model: Any, rows: str) -> str:
    """Undo a `StandardScaler`."""
    if model.scale_ is not None:
        rows = graph("Mul", rows, graph.own(model.scale_))
    if model.mean_ is not None and model.with_mean:
        rows = graph("Add", rows, graph.own(model.mean_))
    return rows


def stretch(graph: Graph, model: Any, rows: str) -> str:
    """Scale by a `MinMaxScaler`."""
    rows = graph("Mul", rows, graph.own(model.scale_))
    rows = graph("Add", rows, graph.own(model.min_))
    if model.clip:
        low, high = model.feature_range
        rows = graph("Clip", rows, float(low), float(high))
    return rows


def undo_stretch(graph: Graph, model: Any, rows: str) -> str:
    """Undo a `MinMaxScaler`."""
    rows = graph("Sub", rows, graph.own(model.min_))
    return graph("Div", rows, graph.own(model.scale_))


SCALERS: dict[type, tuple[Callable[..., str], Callable[..., str]]] = {
    StandardScaler: (standardise, undo_standardise),
    MinMaxScaler: (stretch, undo_stretch),
}
"""What scales before a model, and undoes it: there and back."""
