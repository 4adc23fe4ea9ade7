"""The export of the outlier detector to ONNX gives its labels and scores."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from onnx_models import (
    assert_exported,
    assert_near,
    export,
    opset_of,
    run,
    session,
)
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sk_autoenc import (
    DenoisingAutoencoder,
    MarginalizedDenoisingAutoencoder,
    ReconstructionOutlierDetector,
    StackedDenoisingAutoencoder,
)
from sk_autoenc.onnx import MINIMUM_OPSET
from sk_autoenc.onnx.outliers import SCORE_GRAPHS
from sk_autoenc.parts.outlier_scores import OUTLIER_SCORES


def make_rows(dtype=np.float64):
    """Rows with holes, a wild value, a constant column and an empty one."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2)) @ rng.normal(size=(2, 6))
    X[3, 2] = 50
    X[:, 4] = 1
    X[rng.random(X.shape) < 0.1] = np.nan
    X[:, 5] = np.nan
    X[7] = np.nan
    return X.astype(dtype)


def others(X):
    """Rows of training, which know themselves, and rows beside them."""
    return np.vstack([X, X[:20] + X.dtype.type(0.3)])


def assert_detector_exported(model, X):
    label, scores = run(model, X)
    assert_array_equal(label, model.predict(X))
    assert scores.dtype == X.dtype
    assert_near(scores, model.decision_function(X))
    assert_exported(model, X, "score_samples")
    assert_exported(model, X, "feature_contributions")


@pytest.mark.parametrize("score", OUTLIER_SCORES)
def test_every_score_of_the_usual_detector_is_exported(score, dtype):
    X = make_rows(dtype)
    model = ReconstructionOutlierDetector(outlier_score=score, random_state=0).fit(X)
    assert_detector_exported(model, others(X))


def quick(**changes):
    return DenoisingAutoencoder(4, max_iter=5, random_state=0, **changes)


ESTIMATORS = {
    "one layer": quick(),
    "layers": StackedDenoisingAutoencoder((5, 3), autoencoder=quick()),
    "closed form": MarginalizedDenoisingAutoencoder(activation="tanh"),
    "standardised": make_pipeline(StandardScaler(), quick()),
    "scaled, not centred": make_pipeline(StandardScaler(with_mean=False), quick()),
    "stretched": make_pipeline(MinMaxScaler(clip=True), "passthrough", quick()),
    "a scaler alone": StandardScaler(),
}


@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
def test_a_detector_with_an_estimator_is_exported(estimator, dtype):
    X = np.nan_to_num(make_rows()).astype(dtype)
    model = ReconstructionOutlierDetector(estimator, random_state=0).fit(X)
    assert_detector_exported(model, others(X))


@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_few_features_are_hidden_together_as_in_python(n_features, dtype):
    X = make_rows(dtype)[:, :n_features]
    model = ReconstructionOutlierDetector(quick(), random_state=0).fit(X)
    assert_detector_exported(model, others(X))


def test_very_far_rows_have_finite_scores(dtype):
    X = make_rows(dtype)
    model = ReconstructionOutlierDetector(random_state=0).fit(X)
    far = np.full((2, 6), [[1e30], [-1e30]], dtype)
    label, scores = run(model, far)
    assert_array_equal(label, [-1, -1])
    assert_allclose(scores[:, 0], model.decision_function(far), rtol=1e-5)


def test_the_oldest_opset_is_enough_for_detectors():
    X = make_rows()
    model = ReconstructionOutlierDetector(random_state=0).fit(X)
    exported = export(model, X, target_opset=MINIMUM_OPSET)
    assert opset_of(exported) == MINIMUM_OPSET
    label, _ = session(exported).run(None, {"X": X})
    assert_array_equal(label, model.predict(X))


@pytest.mark.parametrize("estimator", [PCA(2), make_pipeline(StandardScaler(), PCA(2))])
def test_other_estimators_in_a_detector_are_refused(estimator):
    X = np.nan_to_num(make_rows())
    model = ReconstructionOutlierDetector(estimator, random_state=0).fit(X)
    with pytest.raises(NotImplementedError, match="has a PCA is not exported"):
        export(model, X)


def test_every_score_has_a_graph():
    assert set(SCORE_GRAPHS) == set(OUTLIER_SCORES)
