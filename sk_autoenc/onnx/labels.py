"""Stacks that are trained on labels as graphs: classes, probabilities and numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_autoenc.onnx.graph import Graph
from sk_autoenc.onnx.pieces import affine, part
from sk_autoenc.onnx.rows import layered_codes, without_missing


def outputs_of(graph: Graph, model: Any, rows: str) -> str:
    """Return the pre-activations of the head, (n_rows, n_outputs)."""
    network, parameters = model._ready(graph.dtype)
    reads = network.architecture.head.reads
    if reads:
        code = layered_codes(graph, model, rows, reads)[-1]
    else:
        code, _ = without_missing(graph, rows)
    return affine(graph, code, parameters.head.T, parameters.head_intercept)


def classes_for_onnx(classes: NDArray[Any]) -> NDArray[Any]:
    """Return classes as a label's type can hold them: int64, or strings."""
    if classes.dtype.kind in "UT":
        return classes.astype(object)
    if classes.dtype.kind in "biuf" and (classes == classes.astype(np.int64)).all():
        return classes.astype(np.int64)
    raise NotImplementedError(
        "A label of ONNX is a whole number or a string, but classes_ is "
        f"{classes.tolist()!r:.200}. Fit with such classes, as by LabelEncoder."
    )


def predict_classes(graph: Graph, model: Any, rows: str) -> list[str]:
    """Return the class of each row, (n_rows,), and the probabilities of all."""
    outputs = outputs_of(graph, model, rows)
    best = graph("ArgMax", outputs, axis=1, keepdims=0)
    label = graph("Gather", classes_for_onnx(model.classes_), best)
    return [label, graph("Softmax", outputs, axis=1)]


def decision_function(graph: Graph, model: Any, rows: str) -> str:
    """Return the pre-activations; of two classes the second's less the first's."""
    outputs = outputs_of(graph, model, rows)
    if len(model.classes_) != 2:
        return outputs
    return graph("Sub", part(graph, outputs, 1, 2), part(graph, outputs, 0, 1))


def predict_numbers(graph: Graph, model: Any, rows: str) -> str:
    """Return the numbers of each row, (n_rows, n_outputs)."""
    outputs = outputs_of(graph, model, rows)
    scaled = graph("Mul", outputs, graph.own(model.target_scale_))
    return graph("Add", scaled, graph.own(model.target_mean_))


def n_decisions(model: Any) -> int:
    """Columns of `decision_function`."""
    return 1 if len(model.classes_) == 2 else len(model.classes_)
