"""Autoencoders of rows as graphs: codes, reconstructions, errors and scores.

Rows come in the graph's type; NaN is a missing entry, as in Python.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sk_autoenc.base_stack import BaseStack
from sk_autoenc.denoising import DenoisingAutoencoder
from sk_autoenc.marginalized import RANGES, MarginalizedDenoisingAutoencoder
from sk_autoenc.onnx.graph import Graph
from sk_autoenc.onnx.pieces import (
    activate,
    affine,
    beside,
    cast,
    part,
    softmax_of_blocks,
    sum_of_rows,
    where_missing,
)
from sk_autoenc.stacked import StackedDenoisingAutoencoder


def without_missing(graph: Graph, rows: str) -> tuple[str, str]:
    """Return rows with 0 where something is missing, and where that is."""
    missing = graph("IsNaN", rows)
    return where_missing(graph, missing, rows), missing


def finish(graph: Graph, model: Any, loss: str, output: str) -> str:
    """Make a reconstruction of the pre-activation of the output."""
    if loss == "mixed":
        return softmax_of_blocks(graph, output, *model._fitted_with["layout"])
    return activate(graph, model.output_activation_, output)


def encode_one_hidden(graph: Graph, model: Any, rows: str) -> str:
    """Encode by a `DenoisingAutoencoder`."""
    shown, _ = without_missing(graph, rows)
    hidden = affine(graph, shown, model.components_.T, model.intercept_hidden_)
    return activate(graph, model._fitted_with["activation"], hidden)


def decode_one_hidden(graph: Graph, model: Any, codes: str) -> str:
    """Decode by a `DenoisingAutoencoder`."""
    weights, intercept = model.decoder_components_, model.intercept_visible_
    output = affine(graph, codes, weights, intercept)
    return finish(graph, model, model.loss_name_, output)


def layered_codes(graph: Graph, model: Any, rows: str, n_layers: int) -> list[str]:
    """Return the codes of so many layers of a stack, from the first on."""
    _, parameters = model._ready(graph.dtype)
    below, codes = without_missing(graph, rows)[0], []
    for weights, intercept in parameters.layers[:n_layers]:
        hidden = affine(graph, below, weights.T, intercept)
        below = activate(graph, model._fitted_with["activation"], hidden)
        codes.append(below)
    return codes


def encode_stack(graph: Graph, model: Any, rows: str) -> str:
    """Return the codes of the last layer of a stack."""
    return layered_codes(graph, model, rows, model._fitted_with["depth"])[-1]


def transform_by_stack(graph: Graph, model: Any, rows: str) -> str:
    """Return the codes of the layers that a stack is to give."""
    layers = model._chosen_layers()
    codes = layered_codes(graph, model, rows, max(layers))
    return beside(graph, [codes[k - 1] for k in layers])


def decode_stack(graph: Graph, model: Any, codes: str, layer: int | None = None) -> str:
    """Decode the codes of a layer of a stack, or of the last one."""
    network, parameters = model._ready(graph.dtype)
    depth = model._fitted_with["depth"]
    start = 2 * depth - (layer or depth)
    output = codes
    for k, (weights, intercept) in enumerate(parameters.layers[start:], start + 1):
        output = affine(graph, output, weights.T, intercept)
        if k <= network.architecture.n_hidden:
            output = activate(graph, model._fitted_with["activation"], output)
    return finish(graph, model, model._fitted_with["loss"], output)


def invert_stack(graph: Graph, model: Any, codes: str) -> str:
    """Decode what a stack's `transform` gives."""
    layer = model._chosen_layers()[-1]
    n_codes, size = model._n_features_out, model._fitted_with["sizes"][layer]
    last = codes if size == n_codes else part(graph, codes, n_codes - size, n_codes)
    return decode_stack(graph, model, last, layer)


def encode_marginalized(graph: Graph, model: Any, rows: str) -> str:
    """Encode by a `MarginalizedDenoisingAutoencoder`."""
    below, codes = rows, []
    for coef, intercept in zip(model.coefs_, model.intercepts_, strict=True):
        hidden = affine(graph, below, coef, intercept)
        below = activate(graph, model.activation, hidden)
        codes.append(below)
    return codes[-1] if model.layers == "last" else beside(graph, codes)


def undo_logistic(graph: Graph, code: str) -> str:
    """Return a = log(y / (1 - y)), of which numpy rounds both logarithms."""
    double = graph.of(np.float64)
    wide = cast(graph, code, np.float64)
    rest = double("Log", double("Sub", 1.0, wide))
    near, far = (cast(graph, v, graph.dtype) for v in (log_of_any(double, wide), rest))
    return graph("Sub", near, far)


def log_of_any(graph: Graph, value: str) -> str:
    """Return log(x), which onnxruntime 1.20 does not know of subnormal numbers."""
    is_tiny = graph("Less", value, float(np.finfo(graph.dtype).tiny))
    raised = graph("Log", graph("Mul", value, 2.0**60))
    lowered = graph("Sub", raised, float(60 * np.log(2.0)))
    return graph("Where", is_tiny, lowered, graph("Log", value))


def undo_tanh(graph: Graph, code: str) -> str:
    """Return a = log((1 + y) / (1 - y)) / 2.

    In float64, and rounded after it: the next layer may make much of a last digit.
    """
    double = graph.of(np.float64)
    wide = cast(graph, code, np.float64)
    above = double("Log", double("Add", 1.0, wide))
    below = double("Log", double("Sub", 1.0, wide))
    half = double("Mul", double("Sub", above, below), 0.5)
    return cast(graph, half, graph.dtype)


INVERSE_GRAPHS: dict[str, Callable[[Graph, str], str]] = {
    "identity": lambda graph, code: code,
    "logistic": undo_logistic,
    "relu": lambda graph, code: code,
    "tanh": undo_tanh,
}
"""Every one of ``marginalized.INVERSES``, by name."""


def decode_marginalized(graph: Graph, model: Any, codes: str) -> str:
    """Undo the activations of a `MarginalizedDenoisingAutoencoder`."""
    features, n_features = model.reconstructed_features_, model.n_features_in_
    depth = 1 if model.layers == "all" else len(model.coefs_)
    if model.layers == "all":
        codes = part(graph, codes, 0, len(features))
    for _ in range(depth):
        if model.activation in RANGES:
            ends = np.nextafter(RANGES[model.activation], [0.5, 0.5], dtype=graph.dtype)
            codes = graph("Clip", codes, ends[0], ends[1])
        codes = INVERSE_GRAPHS[model.activation](graph, codes)
    if len(features) == n_features:
        return codes
    return affine(graph, codes, np.eye(n_features)[features], None)


class Ways(NamedTuple):
    """How a class encodes and decodes; each is ``way(graph, model, value)``."""

    transform: Callable[[Graph, Any, str], str]
    inverse_transform: Callable[[Graph, Any, str], str]
    reconstruct: Callable[[Graph, Any, str], str]


def there_and_back(encode: Any, decode: Any) -> Callable[[Graph, Any, str], str]:
    """Compose two ways."""
    return lambda graph, model, rows: decode(graph, model, encode(graph, model, rows))


WAYS: dict[type, Ways] = {
    DenoisingAutoencoder: Ways(
        encode_one_hidden,
        decode_one_hidden,
        there_and_back(encode_one_hidden, decode_one_hidden),
    ),
    StackedDenoisingAutoencoder: Ways(
        transform_by_stack, invert_stack, there_and_back(encode_stack, decode_stack)
    ),
    MarginalizedDenoisingAutoencoder: Ways(
        encode_marginalized,
        decode_marginalized,
        there_and_back(encode_marginalized, decode_marginalized),
    ),
}


def transform(graph: Graph, model: Any, rows: str) -> str:
    """Return codes."""
    if isinstance(model, BaseStack):
        return transform_by_stack(graph, model, rows)
    return WAYS[type(model)].transform(graph, model, rows)


def inverse_transform(graph: Graph, model: Any, codes: str) -> str:
    """Return rows of codes."""
    return WAYS[type(model)].inverse_transform(graph, model, codes)


def reconstruct(graph: Graph, model: Any, rows: str) -> str:
    """Return rows of rows."""
    return WAYS[type(model)].reconstruct(graph, model, rows)


def errors_of(graph: Graph, model: Any, rows: str) -> tuple[str, str]:
    """Return reconstruction minus row, 0 where that is missing, and where that is."""
    shown, missing = without_missing(graph, rows)
    errors = graph("Sub", reconstruct(graph, model, rows), shown)
    return where_missing(graph, missing, errors), missing


def reconstruction_error(graph: Graph, model: Any, rows: str) -> str:
    """Return the squared error of every entry."""
    errors, _ = errors_of(graph, model, rows)
    return graph("Mul", errors, errors)


def score_samples(graph: Graph, model: Any, rows: str) -> str:
    """Return minus half the squared error of each row, (n_rows, 1)."""
    errors, missing = errors_of(graph, model, rows)
    total = sum_of_rows(graph, graph("Mul", errors, errors))
    observed = sum_of_rows(graph, cast(graph, graph("Not", missing), graph.dtype))
    # A row of which nothing is observed has the sum 0.
    share = graph("Div", graph("Max", observed, 1.0), float(model.n_features_in_))
    return graph("Sub", 0.0, graph("Mul", graph("Div", total, share), 0.5))
