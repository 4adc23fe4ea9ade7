"""Containers, names, compositions and displays of scikit-learn, for any estimator."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimators import every_case, every_case_and_container
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import shuffle

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

either_library = pytest.mark.parametrize(
    ("library", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)]
)


def contain(case, name):
    return case.containers[name](case.X)


# Containers


@every_case_and_container
def test_every_container_gives_the_model_and_codes_of_the_first(container, case):
    X = contain(case, container)
    model, expected = case.make().fit(X), case.make().fit(case.X)
    case.assert_same_model(model, expected)
    codes = expected.transform(case.X)
    assert_array_equal(model.transform(X), codes)
    assert_array_equal(case.make().fit_transform(X), codes)


@every_case_and_container
def test_permuted_samples_have_permuted_codes(container, case):
    model = case.make(**case.variants[-1]).fit(contain(case, container))
    codes = model.transform(contain(case, container))
    X, order = shuffle(contain(case, container), np.arange(len(case.X)), random_state=0)
    assert_allclose(model.transform(X), codes[order], rtol=1e-12)


@every_case_and_container
def test_one_sample_at_a_time_has_the_codes_of_the_batch(container, case):
    model = case.make(**case.variants[-1]).fit(case.X)
    # A list of one bare leaf would be rows of numbers.
    X = [x for x in case.X if isinstance(x, tuple)] or case.X
    one_by_one = [
        model.transform(case.containers[container](X[i : i + 1])) for i in range(len(X))
    ]
    assert_allclose(np.vstack(one_by_one), model.transform(X), rtol=1e-12)


@every_case_and_container
def test_train_test_split_gives_what_can_be_fitted(container, case):
    train, test = train_test_split(contain(case, container), random_state=0)
    expected, rest = train_test_split(case.X, random_state=0)
    codes = case.make().fit(train).transform(test)
    assert_array_equal(codes, case.make().fit(expected).transform(rest))


# Compositions


@every_case_and_container
def test_cross_validation_uses_the_models_own_score(container, case):
    half = len(case.X) // 2
    scores = cross_val_score(case.make(), contain(case, container), cv=2)
    model = case.make().fit(case.X[half:])
    assert scores[0] == pytest.approx(model.score(case.X[:half]), rel=1e-10)


@every_case
def test_grid_search_in_two_processes_is_that_in_one(case):
    grid = {"n_components": [1, 3], "corruption": ["masking", None]}
    serial, parallel = (
        GridSearchCV(case.make(), grid, n_jobs=n_jobs, cv=2).fit(case.X)
        for n_jobs in (None, 2)
    )
    assert_allclose(
        parallel.cv_results_["mean_test_score"],
        serial.cv_results_["mean_test_score"],
        rtol=1e-10,
    )
    assert np.isfinite(serial.cv_results_["mean_test_score"]).all()
    assert serial.best_params_ == parallel.best_params_


@every_case_and_container
def test_a_feature_union_puts_codes_side_by_side(container, case):
    X = contain(case, container)
    small, large = case.make(n_components=2), case.make(n_components=5)
    union = FeatureUnion([("small", small), ("large", large)])
    codes = union.fit_transform(X)
    expected = [case.make(n_components=n).fit_transform(X) for n in (2, 5)]
    assert_array_equal(codes, np.hstack(expected))
    assert list(union.get_feature_names_out()) == [
        *(f"small__{case.code_name}{i}" for i in range(2)),
        *(f"large__{case.code_name}{i}" for i in range(5)),
    ]


@every_case_and_container
def test_a_step_after_it_in_a_pipeline_gets_the_codes(container, case):
    X = contain(case, container)
    scaled = make_pipeline(case.make(), StandardScaler()).fit_transform(X)
    expected = StandardScaler().fit_transform(case.make().fit_transform(case.X))
    assert_array_equal(scaled, expected)


# Names and containers of codes


@every_case_and_container
def test_codes_are_named_after_the_class(container, case):
    model = case.make(**case.variants[-1]).fit(contain(case, container))
    n_codes = model.transform(contain(case, container)).shape[1]
    expected = [f"{case.code_name}{i}" for i in range(n_codes)]
    assert list(model.get_feature_names_out()) == expected


@every_case_and_container
@either_library
def test_set_output_gives_data_frames(library, kind, container, case):
    X = contain(case, container)
    model = case.make(**case.variants[-1]).set_output(transform=library)
    codes = model.fit_transform(X)
    assert isinstance(codes, kind)
    assert list(codes.columns) == list(model.get_feature_names_out())
    plain = case.make(**case.variants[-1]).fit(case.X)
    assert_array_equal(codes.to_numpy(), plain.transform(case.X))


@every_case
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output_leaves_the_other_methods_alone(library, case):
    model = case.make().fit(case.X)
    expected = case.outputs(model, case.X)
    model.set_output(transform=library)
    for name, output in case.outputs(model, case.X).items():
        if name != "transform":
            assert isinstance(output, np.ndarray)
            assert_array_equal(output, expected[name], err_msg=name)


@every_case
def test_codes_in_a_data_frame_are_decoded(case):
    model = case.make().fit(case.X)
    expected = case.decode(model, model.transform(case.X))
    codes = model.set_output(transform="pandas").transform(case.X)
    assert_array_equal(case.decode(model, codes.to_numpy()), expected)


# Columns with names


@pytest.fixture
def frame():
    X = np.random.default_rng(0).random((20, 3))
    return pd.DataFrame(X, columns=list("abc"), index=range(100, 120))


@every_case
def test_feature_names_in_are_kept_and_forgotten_with_the_data(case, frame):
    model = case.make().fit(frame)
    assert list(model.feature_names_in_) == list("abc")
    model.fit(case.X)
    assert not hasattr(model, "feature_names_in_")
    assert model.fit(frame).feature_names_in_.tolist() == list("abc")


@every_case
def test_data_frames_give_the_model_of_arrays(case, frame):
    X = frame.to_numpy()
    expected = case.make().fit(X)
    for rows in (frame, pl.DataFrame(X, schema=list("abc"))):
        model = case.make().fit(rows)
        case.assert_same_model(model, expected)
        assert_array_equal(model.transform(rows), expected.transform(X))


@every_case
def test_set_output_keeps_the_index_of_a_data_frame(case, frame):
    codes = case.make().set_output(transform="pandas").fit_transform(frame)
    assert list(codes.index) == list(frame.index)


@every_case
def test_a_pipeline_of_rows_decodes(case, frame):
    pipeline = make_pipeline(StandardScaler(), case.make())
    codes = pipeline.fit_transform(frame)
    assert pipeline.inverse_transform(codes).shape == frame.shape


# Display


@every_case
def test_repr_shows_what_differs_from_the_defaults(case):
    model = case.Estimator(n_components=3, alpha=0.5, warm_start=False)
    assert repr(model) == f"{case.name}(alpha=0.5, n_components=3)"


@every_case
def test_html_display_works(case):
    assert case.name in case.make().fit(case.X)._repr_html_()
