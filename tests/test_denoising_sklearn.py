import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator

from sk_autoenc import DenoisingAutoencoder
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.corruptions import CORRUPTIONS
from sk_autoenc.parts.losses import LOSSES
from sk_autoenc.parts.solvers import SOLVERS

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


def make(**changes):
    settings = {"n_components": 4, "max_iter": 3, "tol": 0, "random_state": 0}
    return DenoisingAutoencoder(**settings | changes)


def drop(X, level, rng):
    return X * (rng.random(X.shape) > level)


# One setting at a time, and a few together. Wide noise on data of any scale diverges
# only with a rate that no one would choose for them: hence the smaller one for sgd.
SGD = {"solver": "sgd", "learning_rate_init": 1e-4}
SETTINGS = [
    {},
    *({"solver": solver, "learning_rate_init": 1e-4} for solver in SOLVERS),
    *({"loss": loss} for loss in LOSSES if loss != "cross_entropy"),
    *({"activation": name} for name in ACTIVATIONS),
    *({"output_activation": name} for name in ACTIVATIONS if name != "logistic"),
    *({"corruption": name} for name in CORRUPTIONS),
    {"corruption": drop},
    {"tied_weights": False},
    {"tied_weights": False, "activation": "relu", "alpha": 0.1},
    {"emphasis": (1.0, 0.5)},
    {"emphasis": (1.0, 0.0), "corruption": "swap"},
    {"early_stopping": True, "validation_fraction": 0.3},
    {"batch_size": 3, "shuffle": False},
    SGD | {"momentum": 0.0},
    SGD | {"nesterovs_momentum": False},
    SGD | {"learning_rate": "invscaling"},
    SGD | {"learning_rate": "adaptive", "tied_weights": False, "activation": "tanh"},
]


CHECKS = [
    pytest.param(check, estimator, id=f"{changes}-{check.func.__name__}")
    for changes in SETTINGS
    for estimator, check in estimator_checks_generator(make(**changes))
]
"""Not by parametrize_with_checks: that of 1.7 hands pytest a generator, which warns."""


# A loss may rise by chance in three epochs on a few random rows.
@pytest.mark.filterwarnings("ignore:Got `batch_size`", "ignore:The loss rose")
@pytest.mark.parametrize(("check", "estimator"), CHECKS)
def test_scikit_learns_checks_pass(check, estimator):
    check(estimator)


def test_every_setting_is_really_checked():
    assert len(CHECKS) > 40 * len(SETTINGS)


def test_the_default_constructor_passes_the_checks_of_parameters():
    for estimator, check in estimator_checks_generator(DenoisingAutoencoder()):
        if "param" in check.func.__name__ or "init" in check.func.__name__:
            check(estimator)


def test_no_check_is_switched_off_by_a_tag():
    tags = get_tags(DenoisingAutoencoder())
    assert not tags.no_validation
    assert not tags.non_deterministic
    assert not tags._skip_test
    assert tags.input_tags.two_d_array
    assert tags.input_tags.sparse
    assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]


# Copies


def test_a_clone_is_unfitted_and_has_the_same_parameters(X):
    model = make(corruption=drop, emphasis=(1, 0.5)).fit(X)
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        twin.transform(X)


def test_a_pickled_model_transforms_and_goes_on_alike(X):
    model = make().fit(X)
    twin = pickle.loads(pickle.dumps(model))
    assert_array_equal(twin.transform(X), model.transform(X))
    assert_array_equal(
        twin.partial_fit(X).components_, model.partial_fit(X).components_
    )


@pytest.mark.parametrize("mmap_mode", [None, "r", "c"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("is_tied", [True, False])
def test_a_model_loaded_by_joblib_transforms_and_goes_on_alike(
    is_tied, solver, mmap_mode, X, tmp_path
):
    model = make(solver=solver, tied_weights=is_tied).fit(X)
    joblib.dump(model, tmp_path / "model")
    twin = joblib.load(tmp_path / "model", mmap_mode=mmap_mode)
    assert_array_equal(twin.transform(X), model.transform(X))
    assert twin.score(X) == model.score(X)
    twin.partial_fit(X)
    model.partial_fit(X)
    assert_array_equal(twin.components_, model.components_)
    assert_array_equal(twin.decoder_components_, model.decoder_components_)


def test_going_on_from_a_memory_mapped_model_leaves_the_file_alone(X, tmp_path):
    joblib.dump(make().fit(X), tmp_path / "model")
    before = (tmp_path / "model").read_bytes()
    joblib.load(tmp_path / "model", mmap_mode="r").partial_fit(X).fit(X)
    assert (tmp_path / "model").read_bytes() == before


# Compositions


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(n_class=3, return_X_y=True)
    return X[::2], y[::2]


def test_codes_of_digits_serve_a_classifier_with_string_labels(digits):
    X, y = digits
    names = np.array(["nought", "one", "two"])[y]
    pipeline = make_pipeline(
        MinMaxScaler(), make(n_components=32, max_iter=10), LogisticRegression()
    )
    assert pipeline.fit(X, names).score(X, names) > 0.9
    assert set(pipeline.predict(X)) == set(names)


def test_scaled_folds_stay_with_cross_entropy(digits):
    """MinMaxScaler's rounding above 1 must not change the loss from fold to fold."""
    X, _ = digits
    for part in np.array_split(X / 3, 5):
        scaled = MinMaxScaler().fit_transform(part)
        assert make(max_iter=1).fit(scaled).loss_name_ == "cross_entropy"


def test_a_pipeline_decodes(digits):
    X, _ = digits
    pipeline = make_pipeline(MinMaxScaler(), make(n_components=32))
    codes = pipeline.fit_transform(X)
    decoded = pipeline.inverse_transform(codes)
    assert codes.shape == (len(X), 32)
    assert decoded.shape == X.shape
    assert decoded.max() <= 16


def test_fit_transform_is_fit_then_transform(X):
    assert_array_equal(make().fit_transform(X), make().fit(X).transform(X))


def test_cross_validation_uses_the_models_own_score(X):
    scores = cross_val_score(make(), X, cv=3)
    assert (scores < 0).all()


def test_grid_search_runs_in_two_processes(X):
    grid = {
        "n_components": [1, 6],
        "corruption": ["masking", None],
        "emphasis": [(1, 1), (1, 0.5)],
    }
    search = GridSearchCV(make(max_iter=40), grid, n_jobs=2, cv=2)
    search.fit(X)
    assert search.best_params_["n_components"] in (1, 6)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    serial = GridSearchCV(make(max_iter=40), grid, cv=2).fit(X)
    assert_allclose(
        search.cv_results_["mean_test_score"],
        serial.cv_results_["mean_test_score"],
        rtol=1e-10,
    )


def test_grid_search_tunes_a_step_of_a_pipeline(X):
    y = X[:, 0] > np.median(X[:, 0])
    pipeline = make_pipeline(MinMaxScaler(), make(), LogisticRegression())
    grid = {"denoisingautoencoder__corruption_level": [0.0, 0.3]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert search.best_score_ > 0.5


def test_a_feature_union_puts_codes_side_by_side(X):
    union = FeatureUnion([("small", make(n_components=2)), ("large", make())])
    codes = union.fit_transform(X)
    assert codes.shape == (60, 6)
    assert_array_equal(codes[:, 2:], make().fit_transform(X))
    assert list(union.get_feature_names_out())[:2] == [
        "small__denoisingautoencoder0",
        "small__denoisingautoencoder1",
    ]


def test_a_column_transformer_encodes_some_columns(X):
    frame = pd.DataFrame(X, columns=list("abcdefgh")).assign(word="x")
    transformer = ColumnTransformer([("codes", make(), list("abcd"))], remainder="drop")
    codes = transformer.fit_transform(frame)
    assert_array_equal(codes, make().fit_transform(frame[list("abcd")]))


def test_counts_of_words_go_in_sparse():
    texts = ["a rose is a rose", "a cat sat on a mat", "the rose sat"] * 4
    pipeline = make_pipeline(CountVectorizer(), MaxAbsScaler(), make())
    codes = pipeline.fit_transform(texts)
    assert codes.shape == (12, 4)
    assert pipeline[-1].loss_name_ == "cross_entropy"


def test_real_features_go_in_standardised(X_real):
    pipeline = make_pipeline(StandardScaler(), make())
    assert np.isfinite(pipeline.fit(X_real).score(X_real))
    assert pipeline[-1].loss_name_ == "squared_error"


# Names and containers


def test_features_out_are_named_after_the_class(X):
    names = make().fit(X).get_feature_names_out()
    assert list(names) == [f"denoisingautoencoder{i}" for i in range(4)]


def test_feature_names_in_are_kept_and_forgotten_with_the_data(X):
    frame = pd.DataFrame(X, columns=list("abcdefgh"))
    model = make().fit(frame)
    assert list(model.feature_names_in_) == list("abcdefgh")
    model.fit(X)
    assert not hasattr(model, "feature_names_in_")


def test_data_frames_give_the_model_of_arrays(X):
    expected = make().fit(X).transform(X)
    columns = list("abcdefgh")
    for frame in (pd.DataFrame(X, columns=columns), pl.DataFrame(X, schema=columns)):
        assert_array_equal(make().fit(frame).transform(frame), expected)


@pytest.mark.parametrize(
    ("library", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)]
)
def test_set_output_gives_data_frames(library, kind, X):
    model = make().set_output(transform=library).fit(X)
    codes = model.transform(X)
    assert isinstance(codes, kind)
    assert list(codes.columns) == list(model.get_feature_names_out())
    assert_array_equal(codes.to_numpy(), make().fit(X).transform(X))


def test_set_output_keeps_the_index_of_a_data_frame(X):
    frame = pd.DataFrame(X, columns=list("abcdefgh"), index=range(100, 160))
    codes = make().set_output(transform="pandas").fit_transform(frame)
    assert list(codes.index) == list(range(100, 160))


def test_codes_in_a_data_frame_are_decoded(X):
    model = make().set_output(transform="pandas").fit(X)
    decoded = model.inverse_transform(model.transform(X).to_numpy())
    assert_array_equal(decoded, model.reconstruct(X))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output_leaves_the_other_methods_alone(library, X):
    model = make().set_output(transform=library).fit(X)
    for method in ("reconstruct", "score_samples", "reconstruction_error"):
        assert isinstance(getattr(model, method)(X), np.ndarray)


def test_set_output_works_on_sparse_data(X):
    model = make().set_output(transform="pandas")
    codes = model.fit_transform(scipy.sparse.csr_array(X))
    assert isinstance(codes, pd.DataFrame)


def test_repr_shows_what_differs_from_the_defaults():
    assert repr(make()) == (
        "DenoisingAutoencoder(max_iter=3, n_components=4, random_state=0, tol=0)"
    )


def test_html_display_works(X):
    assert "DenoisingAutoencoder" in make().fit(X)._repr_html_()
