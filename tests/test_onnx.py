"""The export of rows and labels to ONNX gives what the estimators give."""

import importlib
import re
import sys
from functools import partial
from pathlib import Path

import numpy as np
import onnx_models
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from onnx_models import TOLERANCE, assert_exported, export, opset_of, run, session
from row_models import make_rows
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import sk_autoenc.onnx
from sk_autoenc import (
    DenoisingAutoencoder,
    MarginalizedDenoisingAutoencoder,
    StackedDenoisingAutoencoder,
    StackedDenoisingClassifier,
    StackedDenoisingRegressor,
)
from sk_autoenc.marginalized import INVERSES
from sk_autoenc.onnx import MINIMUM_OPSET
from sk_autoenc.onnx.pieces import ACTIVATION_GRAPHS
from sk_autoenc.onnx.registry import EXPORTS
from sk_autoenc.onnx.rows import INVERSE_GRAPHS
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.corruptions import CORRUPTIONS
from sk_autoenc.parts.losses import LOSSES

every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)


def with_holes(X, dtype=np.float64):
    """The same rows, a tenth of the entries missing, one row's all but one."""
    hidden = np.random.default_rng(3).random(X.shape) < 0.1
    hidden[5, 1:] = True
    hidden[:, 0] = False
    return np.where(hidden, np.nan, X).astype(dtype)


def small(**changes):
    return DenoisingAutoencoder(
        **{"n_components": 4, "max_iter": 3, "random_state": 0} | changes
    )


def stack(**changes):
    template = small(activation=changes.pop("activation", "relu"))
    settings = {"autoencoder": template, "random_state": 0}
    return StackedDenoisingAutoencoder((5, 3), **settings | changes)


def labelled(kind, **changes):
    settings = {"autoencoder": small(), "max_iter": 3, "random_state": 0}
    return kind((5, 4), **settings | changes)


def assert_all_methods_exported(model, X):
    for method in EXPORTS[type(model)]:
        given = model.transform(X) if method == "inverse_transform" else X
        assert_exported(model, given, method)


@every_activation
@pytest.mark.parametrize("is_tied", [True, False])
def test_an_autoencoder_is_exported_with_every_activation(activation, is_tied, dtype):
    X = with_holes(make_rows(), dtype)
    model = small(activation=activation, tied_weights=is_tied).fit(X)
    assert_all_methods_exported(model, X)


@pytest.mark.parametrize(
    ("loss", "output"),
    [(name, each) for name in LOSSES for each in LOSSES[name].output_activations],
)
def test_an_autoencoder_is_exported_with_every_loss(loss, output, dtype):
    X = with_holes(make_rows(), dtype)
    model = small(loss=loss, output_activation=output).fit(X)
    assert_all_methods_exported(model, X)


@pytest.mark.parametrize(
    "corruption", [*CORRUPTIONS, lambda X, level, rng: X * 0.5], ids=str
)
def test_the_corruption_of_training_does_not_matter(corruption, X):
    assert_exported(small(corruption=corruption).fit(X), X, "reconstruct")


@pytest.mark.parametrize("groups", [[0, 0, 0, 1, 2, 3, 4, 5], [0, 1, 2, 2, 3, 3, 3, 4]])
def test_groups_of_features_are_exported_as_probabilities(groups, dtype):
    """Categories at the beginning and, two of them, amid numbers."""
    X, groups = make_rows().astype(dtype), np.array(groups)
    for group in np.flatnonzero(np.bincount(groups) > 1):
        block = X[:, groups == group]
        X[:, groups == group] = block == block.max(axis=1, keepdims=True)
    model = small(feature_groups=groups).fit(X)
    assert model.loss_name_ == "mixed"
    assert_all_methods_exported(model, X)


def test_groups_of_features_of_a_stack_are_exported(dtype):
    X = np.eye(8, dtype=dtype)[np.arange(60) % 8]
    template = small(feature_groups=[0, 0, 0, 0, 1, 1, 1, 1])
    assert_all_methods_exported(stack(autoencoder=template).fit(X), X)


def test_sampled_reconstruction_in_training_does_not_matter(X):
    sparse = csr_array(np.where(X > 0.5, X, 0))
    model = small(reconstruction_sampling=1.0).fit(sparse)
    assert_exported(model, sparse.toarray(), "transform")


@every_activation
@pytest.mark.parametrize("layers", ["last", "all", 1])
def test_a_stack_is_exported_with_every_choice_of_layers(activation, layers, dtype):
    X = with_holes(make_rows(), dtype)
    model = stack(activation=activation, layers=layers).fit(X)
    assert_all_methods_exported(model, X)


@every_activation
@pytest.mark.parametrize("layers", ["last", "all"])
@pytest.mark.parametrize("block_size", [3, 1000])
def test_the_closed_form_is_exported(activation, layers, block_size, dtype):
    X = make_rows().astype(dtype)
    model = MarginalizedDenoisingAutoencoder(
        2, activation=activation, layers=layers, block_size=block_size, random_state=0
    ).fit(X)
    assert_all_methods_exported(model, X)


@pytest.mark.parametrize("activation", ["logistic", "tanh"])
def test_codes_at_the_end_of_their_range_are_decoded_alike(activation, dtype):
    X = make_rows().astype(dtype)
    model = MarginalizedDenoisingAutoencoder(activation=activation).fit(X)
    codes = np.clip(np.linspace(-1, 1, 16, dtype=dtype).reshape(2, 8), -1, 1)
    assert_exported(model, codes, "inverse_transform")


CLASSES = {
    "strings": np.array(["no", "perhaps", "yes"]),
    "integers": np.array([-3, 0, 7]),
    "two": np.array(["no", "yes"]),
    "bools": np.array([False, True]),
    "whole floats": np.array([1.0, 2.0, 5.0]),
}
either_kind_of_classes = pytest.mark.parametrize(
    "classes", CLASSES.values(), ids=CLASSES
)


def classified(classes, dtype=np.float64):
    X = with_holes(make_rows(), dtype)
    y = classes[np.arange(len(X)) % len(classes)]
    return labelled(StackedDenoisingClassifier).fit(X, y), X


@either_kind_of_classes
def test_a_classifier_is_exported_with_labels_and_probabilities(classes, dtype):
    model, X = classified(classes, dtype)
    label, probabilities = run(model, X, options={id(model): {"zipmap": False}})
    assert_array_equal(label, model.predict(X))
    tolerance = TOLERANCE[X.dtype]
    assert probabilities.dtype == dtype
    assert_allclose(probabilities, model.predict_proba(X), atol=tolerance)
    assert_exported(model, X, "decision_function")
    assert_exported(model, X, "transform")


@either_kind_of_classes
def test_probabilities_of_a_classifier_may_be_dicts(classes, dtype):
    model, X = classified(classes, dtype)
    label, dicts = run(model, X)
    assert_array_equal(label, model.predict(X))
    assert list(dicts[0]) == model.classes_.tolist()
    values = [list(each.values()) for each in dicts]
    assert_allclose(values, model.predict_proba(X), atol=1e-6)


def test_probabilities_of_a_classifier_may_be_columns(dtype):
    model, X = classified(CLASSES["strings"], dtype)
    label, *columns = run(model, X, options={id(model): {"zipmap": "columns"}})
    assert_array_equal(label, model.predict(X))
    probabilities = np.column_stack(columns)
    assert_allclose(probabilities, model.predict_proba(X), atol=TOLERANCE[X.dtype])


def test_classes_that_no_label_can_hold_are_refused(X):
    model = labelled(StackedDenoisingClassifier).fit(X, np.arange(60) % 2 * 1.0)
    model.classes_ = np.array([0.5, 1.5])
    with pytest.raises(NotImplementedError, match="whole number or a string"):
        export(model, X, options={id(model): {"zipmap": False}})


@every_activation
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_a_regressor_is_exported(activation, n_outputs, dtype):
    X = with_holes(make_rows(), dtype)
    y = 3 + np.nan_to_num(X[:, :n_outputs]) * [1, 10][:n_outputs]
    y = y if n_outputs > 1 else y[:, 0]
    model = labelled(
        StackedDenoisingRegressor,
        autoencoder=small(activation=activation),
        reconstruction=0.5,
    ).fit(X, y)
    assert_exported(model, X, "predict")
    assert_exported(model, X, "transform")


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
def test_a_pipeline_is_exported(scaler, dtype):
    X = make_rows().astype(dtype)
    y = (X[:, 0] > 0.5).astype(int)
    pipeline = make_pipeline(scaler, small(), LogisticRegression()).fit(X, y)
    label, probabilities = run(pipeline, X, options={"zipmap": False})
    assert_array_equal(label, pipeline.predict(X))
    expected = pipeline.predict_proba(X)
    assert_allclose(probabilities, expected, atol=TOLERANCE[X.dtype])


def test_a_step_of_a_pipeline_may_give_scores(X):
    pipeline = make_pipeline(StandardScaler(), small()).fit(X)
    [scores] = run(pipeline, X, "score_samples", step=pipeline[-1])
    assert_allclose(scores[:, 0], pipeline.score_samples(X), rtol=1e-12)


def test_convert_sklearn_takes_an_option_for_a_class(X):
    model = small().fit(X)
    exported = onnx_models.skl2onnx.convert_sklearn(
        model,
        initial_types=[
            ("rows", onnx_models.skl2onnx.common.data_types.DoubleTensorType([None, 8]))
        ],
        options={DenoisingAutoencoder: {"method": "reconstruct"}},
    )
    [rows] = session(exported).run(None, {"rows": X})
    assert_allclose(rows, model.reconstruct(X), rtol=1e-12)


def test_whole_numbers_are_computed_in_double_precision():
    X = np.random.default_rng(0).integers(0, 2**30, (30, 4))
    model = small(activation="identity").fit(X / 2**30)
    [codes] = run(model, X, "transform")
    assert codes.dtype == np.float64
    assert_allclose(codes, model.transform(X), rtol=1e-12)


def test_whole_numbers_are_scaled_before_a_model():
    X = np.random.default_rng(0).integers(0, 9, (30, 4))
    pipeline = make_pipeline(StandardScaler(), small()).fit(X)
    [codes] = run(pipeline, X)
    assert_allclose(codes, pipeline.transform(X), atol=1e-5)


def test_columns_of_a_frame_are_inputs(X):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X).add_prefix("feature")
    model = small().fit(frame)
    ready = session(export(model, frame))
    feed = {name: frame[[name]].to_numpy() for name in frame}
    assert_allclose(ready.run(None, feed)[0], model.transform(frame), rtol=1e-12)


def test_any_number_of_rows_may_be_fed(X):
    model = small().fit(X)
    ready = session(export(model, X))
    for n_rows in (0, 1, 7):
        [codes] = ready.run(None, {"X": X[:n_rows]})
        assert codes.shape == (n_rows, 4)


EXAMPLES = {
    DenoisingAutoencoder: small,
    StackedDenoisingAutoencoder: stack,
    MarginalizedDenoisingAutoencoder: partial(
        MarginalizedDenoisingAutoencoder, activation="tanh"
    ),
    StackedDenoisingClassifier: partial(labelled, StackedDenoisingClassifier),
    StackedDenoisingRegressor: partial(labelled, StackedDenoisingRegressor),
}


@pytest.mark.parametrize("estimator", EXAMPLES, ids=lambda each: each.__name__)
def test_the_oldest_opset_is_enough(estimator, X):
    model = EXAMPLES[estimator]().fit(X, np.arange(60) % 2)
    for method in EXPORTS[type(model)]:
        given = model.transform(X) if method == "inverse_transform" else X
        exported = export(model, given, method, target_opset=MINIMUM_OPSET)
        assert opset_of(exported) == MINIMUM_OPSET
        session(exported).run(None, {"X": given})


def test_an_older_opset_is_refused(X):
    with pytest.raises(
        ValueError, match=f"needs target_opset={MINIMUM_OPSET} or newer"
    ):
        export(small().fit(X), X, target_opset=MINIMUM_OPSET - 1)


def test_a_method_that_is_not_exported_is_refused(X):
    with pytest.raises(ValueError, match=r"it must be in .*transform"):
        export(small().fit(X), X, "partial_fit")


def test_a_model_that_is_not_fitted_is_refused(X):
    with pytest.raises(NotFittedError):
        export(small(), X)


def test_strings_are_refused_by_estimators_of_numbers(X):
    with pytest.raises(NotImplementedError, match="holds strings"):
        export(small().fit(X), X.astype(str).astype(object))


def test_every_activation_and_its_inverse_has_a_graph():
    assert set(ACTIVATION_GRAPHS) == set(ACTIVATIONS)
    assert set(INVERSE_GRAPHS) == set(INVERSES)


@pytest.mark.parametrize("library", ["skl2onnx", "onnx"])
def test_without_a_library_the_message_names_the_extra(library, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("sk_autoenc.onnx")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=f"needs {library}.*sk-autoenc\\[onnx\\]"):
        importlib.import_module("sk_autoenc.onnx")


ROOT = Path(sk_autoenc.onnx.__file__).parents[2]


def test_the_guide_lists_every_method_that_is_exported():
    text = (ROOT / "doc/guide_rows.md").read_text()
    rows = re.findall(
        r"^\| (`\w+`.*) \| (`.*`.*) \|$", text.partition("## ONNX")[2], re.M
    )
    listed = {
        estimator: re.findall(r"`(\w+)`", methods)
        for estimators, methods in rows[:7]
        for estimator in re.findall(r"`(\w+)`", estimators)
    }
    exported = {each.__name__: [*methods] for each, methods in EXPORTS.items()}
    listed["ReconstructionOutlierDetector"].remove("decision_function")
    assert listed == exported


def test_api_lists_what_the_module_shows():
    text = (ROOT / "doc/api.md").read_text().partition("## ONNX")[2]
    text = text.partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `(\w+)", text, re.M)) == sorted(
        sk_autoenc.onnx.__all__
    )
