"""What skl2onnx is told of the estimators: their outputs, and how graphs are made.

One table, `EXPORTS`, has an entry for each estimator: the methods that may be asked for
by the option "method", of which the first is the usual one.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx._parse import _parse_sklearn_classifier
from skl2onnx.common.data_types import (
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn.utils.validation import check_is_fitted

import sk_autoenc.onnx.completing as completing
import sk_autoenc.onnx.decoding as decoding
import sk_autoenc.onnx.labels as labels
import sk_autoenc.onnx.outliers as outliers
import sk_autoenc.onnx.rows as rows
import sk_autoenc.onnx.tables as tables
from sk_autoenc.anomaly import ReconstructionOutlierDetector
from sk_autoenc.denoising import DenoisingAutoencoder
from sk_autoenc.imputation import DenoisingImputer
from sk_autoenc.marginalized import MarginalizedDenoisingAutoencoder
from sk_autoenc.onnx.graph import MINIMUM_OPSET, Graph
from sk_autoenc.onnx.pieces import cast
from sk_autoenc.onnx.reading import DTYPES, Input, are_single, check_kinds, joined
from sk_autoenc.stacked import StackedDenoisingAutoencoder
from sk_autoenc.stacked_labels import (
    StackedDenoisingClassifier,
    StackedDenoisingRegressor,
)
from sk_autoenc.tabular import TableDenoisingAutoencoder

ZIPMAP = {
    "zipmap": [True, False, "columns"],
    "nocl": [True, False],
    "output_class_labels": [False, True],
}
"""Options that skl2onnx has for all classifiers."""

Width = Callable[[Any], int]
"""From a fitted model to the number of columns of an output."""


class Method(NamedTuple):
    """What a method of an estimator becomes."""

    build: Callable[[Graph, Any, Sequence[Input]], list[str]]
    """Adds it to a graph, and returns the names of its outputs."""
    outputs: Callable[[Any, Sequence[Input]], list[tuple[str, Any]]]
    """Name and type of each output, of a model and its inputs."""


def floats(
    model: Any, inputs: Sequence[Input], name: str, width: Width
) -> tuple[str, Any]:
    """Name and type an output of numbers: float32 only if all inputs are."""
    kind = FloatTensorType if are_single(inputs) else DoubleTensorType
    return name, kind([None, width(model)])


def of_rows(
    build: Callable[[Graph, Any, str], Any], width: Width, label: Any = None
) -> Method:
    """Make a method of a function of rows.

    Its output are numbers; with ``label(model)``, the type of labels, these come first.
    """

    def of_inputs(graph: Graph, model: Any, inputs: Sequence[Input]) -> list[str]:
        built = build(graph, model, joined(graph, inputs))
        return [built] if isinstance(built, str) else built

    def outputs(model: Any, inputs: Sequence[Input]) -> list[tuple[str, Any]]:
        if label is None:
            return [floats(model, inputs, "variable", width)]
        name = "probabilities" if hasattr(model, "classes_") else "scores"
        return [
            ("label", label(model)([None])),
            floats(model, inputs, name, width),
        ]

    return Method(of_inputs, outputs)


def of_table(build: Any, width: Width) -> Method:
    """Make a method of a function of a table; its output are numbers."""
    return Method(
        build, lambda model, inputs: [floats(model, inputs, "variable", width)]
    )


def label_type(model: Any) -> Any:
    """Return the type of classes."""
    is_text = labels.classes_for_onnx(model.classes_).dtype.kind == "O"
    return StringTensorType if is_text else Int64TensorType


def n_codes(model: Any) -> int:
    """Columns of codes."""
    return int(model._n_features_out)


def n_features(model: Any) -> int:
    """Columns of X."""
    return int(model.n_features_in_)


def one(model: Any) -> int:
    """Count one column: a number of each row."""
    return 1


CODES = {
    "transform": of_rows(rows.transform, n_codes),
    "inverse_transform": of_rows(rows.inverse_transform, n_features),
}
RECONSTRUCTIONS = {
    "reconstruct": of_rows(rows.reconstruct, n_features),
    "score_samples": of_rows(rows.score_samples, one),
    "reconstruction_error": of_rows(rows.reconstruction_error, n_features),
}

EXPORTS: dict[type, dict[str, Method]] = {
    DenoisingAutoencoder: CODES | RECONSTRUCTIONS,
    StackedDenoisingAutoencoder: CODES | RECONSTRUCTIONS,
    MarginalizedDenoisingAutoencoder: CODES,
    StackedDenoisingClassifier: {
        "predict": of_rows(
            labels.predict_classes, lambda model: len(model.classes_), label_type
        ),
        "decision_function": of_rows(labels.decision_function, labels.n_decisions),
        "transform": CODES["transform"],
    },
    StackedDenoisingRegressor: {
        "predict": of_rows(
            labels.predict_numbers, lambda model: len(model.target_mean_)
        ),
        "transform": CODES["transform"],
    },
    DenoisingImputer: {
        "transform": Method(completing.impute, completing.outputs_of_imputer)
    },
    TableDenoisingAutoencoder: {
        "transform": of_table(tables.transform, n_codes),
        "inverse_transform": Method(
            decoding.inverse_transform, decoding.outputs_of_table
        ),
        "reconstruct": Method(decoding.reconstruct, decoding.outputs_of_table),
        "score_samples": of_table(tables.score_samples, one),
        "reconstruction_error": of_table(tables.reconstruction_error, n_features),
    },
    ReconstructionOutlierDetector: {
        "predict": of_rows(outliers.predict, one, lambda model: Int64TensorType),
        "score_samples": of_rows(outliers.score_samples, one),
        "feature_contributions": of_rows(outliers.contributions, n_features),
    },
}
"""Of each estimator the methods that are exported; the first is the usual one."""


def register() -> None:
    """Tell skl2onnx of all estimators of `EXPORTS`."""
    for estimator, methods in EXPORTS.items():
        has_classes = estimator is StackedDenoisingClassifier
        update_registered_converter(
            estimator,
            f"SkAutoenc{estimator.__name__}",
            calculate_shapes,
            convert,
            parser=parse,
            options={"method": [*methods]} | (ZIPMAP if has_classes else {}),
        )


def chosen(options: dict[str, Any], model: Any) -> tuple[str, Method]:
    """Return the method that the options, which skl2onnx has checked, ask for."""
    methods = EXPORTS[type(model)]
    name = options.get("method", next(iter(methods)))
    return name, methods[name]


def parse(
    scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None
) -> list[Any]:
    """Declare a model and its outputs in the way of skl2onnx's parsers."""
    check_is_fitted(model)
    name, method = chosen(scope.get_options(model, {}), model)
    if name == "predict" and isinstance(model, StackedDenoisingClassifier):
        # It has no public name, but is what adds the dicts of probabilities.
        return list(_parse_sklearn_classifier(scope, model, inputs, custom_parsers))
    operator = scope.declare_local_operator(f"SkAutoenc{type(model).__name__}", model)
    operator.inputs = inputs
    for output, kind in method.outputs(model, inputs_of(operator)):
        operator.outputs.append(scope.declare_local_variable(output, kind))
    return list(operator.outputs)


def calculate_shapes(operator: Any) -> None:
    """Set the types of a model's outputs in the way of skl2onnx's shape calculators."""
    model = operator.raw_operator
    options = operator.scope_inst.get_options(model, {})
    name, method = chosen(options, model)
    described = method.outputs(model, inputs_of(operator))
    for output, (_, kind) in zip(operator.outputs, described, strict=True):
        output.type = kind
    if name == "predict" and hasattr(model, "classes_"):
        if options.get("zipmap", True) is True:  # dicts of ONNX hold float32 alone
            operator.outputs[1].type = FloatTensorType([None, len(model.classes_)])


def convert(scope: Any, operator: Any, container: Any) -> None:
    """Add a model to a graph in the way of skl2onnx's converters."""
    model, inputs = operator.raw_operator, inputs_of(operator)
    if container.target_opset < MINIMUM_OPSET:
        raise ValueError(
            f"{type(model).__name__} needs target_opset={MINIMUM_OPSET} or newer; got "
            f"{container.target_opset}."
        )
    check_kinds(inputs)
    _, method = chosen(scope.get_options(model, {}), model)
    dtype = np.float32 if are_single(inputs) else np.float64
    graph = Graph(f"{scope.get_unique_operator_name('sk_autoenc')}_", dtype)
    built = method.build(graph, model, inputs)
    for name, output in zip(built, operator.outputs, strict=True):
        typed = cast(graph, name, DTYPES[type(output.type)])
        graph.rename(typed, output.full_name)
    graph.add_to(container)


def inputs_of(operator: Any) -> list[Input]:
    """Return what an operator reads."""
    return [Input(each.full_name, each.type, each.raw_name) for each in operator.inputs]
