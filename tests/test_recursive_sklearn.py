import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    train_test_split,
)
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import get_tags, shuffle
from sklearn.utils.estimator_checks import estimator_checks_generator

from sk_autoenc import RAETransformer, UnfoldingRAETransformer
from sk_autoenc.trees.forest import Forest

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

ESTIMATORS = (UnfoldingRAETransformer, RAETransformer)
every_estimator = pytest.mark.parametrize("Estimator", ESTIMATORS)


def make(Estimator, **changes):
    settings = {"max_iter": 2, "tol": 0, "random_state": 0}
    return Estimator(**settings | changes)


# scikit-learn's own checks, where each row x is the tree (x,)

# Rows of any scale in the checks: a rate that no one would choose for them diverges.
SGD = {"solver": "sgd", "learning_rate_init": 1e-4}
SETTINGS = [
    {},
    {"n_components": 3, "init": "glorot"},
    {"pooling": ("mean", "root"), "early_stopping": True, "validation_fraction": 0.3},
    {"corruption": "masking", "corruption_level": 0.3},
    {"solver": "lbfgs"},
    SGD,
]
ALL = {"unfold_from": "all"}
NORMALIZE = {"normalize": True}
CASES = [
    (UnfoldingRAETransformer, ALL),
    (UnfoldingRAETransformer, ALL | SGD | {"momentum": 0.0, "n_components": 3}),
    (UnfoldingRAETransformer, {"pooling": "max", "corruption": "swap"}),
    (RAETransformer, NORMALIZE | {"alpha": 0.1, "init": "glorot"}),
    (RAETransformer, NORMALIZE | SGD | {"learning_rate": "invscaling"}),
    (RAETransformer, {"solver": "lbfgs", "n_components": 3, "early_stopping": True}),
    *((Estimator, changes) for changes in SETTINGS for Estimator in ESTIMATORS),
]
CHECKS = [
    pytest.param(
        check, estimator, id=f"{Estimator.__name__}-{changes}-{check.func.__name__}"
    )
    for Estimator, changes in CASES
    for estimator, check in estimator_checks_generator(make(Estimator, **changes))
]
"""Not by parametrize_with_checks: that of 1.7 hands pytest a generator, which warns."""


@pytest.mark.parametrize(("check", "estimator"), CHECKS)
def test_scikit_learns_checks_pass(check, estimator):
    check(estimator)


def test_every_setting_is_really_checked():
    assert len(CHECKS) > 40 * len(CASES)


@every_estimator
def test_the_default_constructor_passes_the_checks_of_parameters(Estimator):
    for estimator, check in estimator_checks_generator(Estimator()):
        if "param" in check.func.__name__ or "init" in check.func.__name__:
            check(estimator)


@every_estimator
def test_no_check_is_switched_off_by_a_tag(Estimator):
    tags = get_tags(Estimator())
    assert not tags.no_validation
    assert not tags.non_deterministic
    assert not tags._skip_test
    assert tags.input_tags.two_d_array
    assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]


# Lists of trees, of which scikit-learn knows nothing


def grow(rng, depth, n_features):
    if depth == 0 or rng.random() < 0.3:
        return rng.uniform(-1, 1, n_features)
    children = (grow(rng, depth - 1, n_features) for _ in range(rng.integers(1, 5)))
    return tuple(children)


def make_trees(n_trees=40, n_features=2, seed=0):
    """Trees of mixed arity whose roots are inner nodes, no two with one vector."""
    rng = np.random.default_rng(seed)
    return [
        (grow(rng, 3, n_features), grow(rng, 2, n_features)) for _ in range(n_trees)
    ]


def as_object_array(trees):
    return np.fromiter(trees, dtype=object, count=len(trees))


CONTAINERS = {
    "list": list,
    "object array": as_object_array,
    "Series": lambda trees: pd.Series(trees, index=range(100, 100 + len(trees))),
    "Forest": Forest.from_nested,
}
every_container = pytest.mark.parametrize(
    "container", CONTAINERS.values(), ids=CONTAINERS.keys()
)
TREES = make_trees()


def labels():
    """What a linear model can see: the sign of the mean of the first entries."""
    forest = Forest.from_nested(TREES)
    means = [forest[i].leaf_vectors()[:, 0].mean() for i in range(len(forest))]
    return np.where(np.array(means) > 0, "rising", "falling")


Y = labels()


def make_classifier(Estimator=UnfoldingRAETransformer, **changes):
    # The mean over nodes, of which the label is nearly a linear function.
    changes = {"pooling": ("root", "mean"), **changes}
    return make_pipeline(
        make(Estimator, **changes), StandardScaler(), LogisticRegression(C=10)
    )


@every_estimator
@every_container
def test_every_container_gives_the_codes_of_a_list(container, Estimator):
    expected = make(Estimator).fit(TREES).transform(TREES)
    X = container(TREES)
    assert_array_equal(make(Estimator).fit(X).transform(X), expected)
    assert_array_equal(make(Estimator).fit_transform(X), expected)


@every_container
def test_a_model_fitted_on_one_container_transforms_another(container):
    model = make(UnfoldingRAETransformer).fit(TREES)
    assert_array_equal(model.transform(container(TREES)), model.transform(TREES))


def test_a_tuple_of_trees_is_a_list_of_trees():
    model = make(UnfoldingRAETransformer).fit(tuple(TREES))
    assert_array_equal(model.transform(tuple(TREES)), model.transform(TREES))


@every_container
def test_the_callers_container_is_not_changed(container):
    X = container(TREES)
    before = joblib.hash(X)
    make(UnfoldingRAETransformer, corruption="masking", corruption_level=0.5).fit(
        X
    ).transform(X)
    assert joblib.hash(X) == before


@every_estimator
@every_container
def test_permuted_trees_have_permuted_codes(container, Estimator):
    model = make(Estimator, pooling=("root", "mean", "max")).fit(TREES)
    order = np.random.default_rng(0).permutation(len(TREES))
    permuted = model.transform(container([TREES[i] for i in order]))
    assert_allclose(permuted, model.transform(TREES)[order], rtol=1e-12)


@every_estimator
@every_container
def test_one_tree_at_a_time_has_the_codes_of_the_batch(container, Estimator):
    model = make(Estimator, pooling=("root", "mean", "max")).fit(TREES)
    one_by_one = [model.transform(container([tree])) for tree in TREES]
    assert_allclose(np.vstack(one_by_one), model.transform(TREES), rtol=1e-12)


@pytest.mark.parametrize("container", [as_object_array, Forest.from_nested])
def test_a_bare_leaf_on_its_own_has_the_code_it_has_in_a_batch(container):
    """Not in a list: a list of vectors is a 2-D array, as everywhere."""
    trees = [np.array([0.3, -0.2]), *TREES]
    model = make(UnfoldingRAETransformer).fit(trees)
    assert_array_equal(model.transform(trees)[0], [0.3, -0.2])
    assert_array_equal(model.transform(container(trees[:1]))[0], [0.3, -0.2])


# Copies


@every_estimator
def test_a_clone_is_unfitted_and_has_the_same_parameters(Estimator):
    model = make(Estimator, pooling=("root", "max"), n_components=3).fit(TREES)
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        twin.transform(TREES)
    assert_array_equal(twin.fit(TREES).transform(TREES), model.transform(TREES))


@every_estimator
@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_duplicate_transforms_and_goes_on_alike(Estimator, duplicate, solver):
    model = make(Estimator, solver=solver, learning_rate_init=1e-3).fit(TREES)
    twin = duplicate(model)
    assert_array_equal(twin.transform(TREES), model.transform(TREES))
    assert_array_equal(
        twin.partial_fit(TREES).encoder_left_, model.partial_fit(TREES).encoder_left_
    )


def test_a_pickled_lbfgs_model_transforms_alike():
    model = make(UnfoldingRAETransformer, solver="lbfgs").fit(TREES)
    twin = pickle.loads(pickle.dumps(model))
    assert_array_equal(twin.transform(TREES), model.transform(TREES))


@pytest.mark.parametrize("mmap_mode", [None, "r", "c"])
def test_a_model_loaded_by_joblib_transforms_and_goes_on_alike(mmap_mode, tmp_path):
    model = make(UnfoldingRAETransformer, n_components=3).fit(TREES)
    joblib.dump(model, tmp_path / "model")
    before = (tmp_path / "model").read_bytes()
    twin = joblib.load(tmp_path / "model", mmap_mode=mmap_mode)
    assert_array_equal(twin.transform(TREES), model.transform(TREES))
    assert twin.score(TREES) == model.score(TREES)
    twin.partial_fit(TREES)
    model.partial_fit(TREES)
    assert_array_equal(twin.leaf_encoder_, model.leaf_encoder_)
    assert (tmp_path / "model").read_bytes() == before


# Compositions


@every_estimator
@every_container
def test_a_pipeline_ends_in_a_classifier_of_string_labels(container, Estimator):
    X = container(TREES)
    pipeline = make_classifier(Estimator).fit(X, Y)
    assert pipeline.score(X, Y) > 0.9
    assert set(pipeline.predict(X)) == {"rising", "falling"}


@every_container
def test_train_test_split_gives_what_can_be_fitted(container):
    train, test, y_train, _ = train_test_split(container(TREES), Y, random_state=0)
    predicted = make_classifier().fit(train, y_train).predict(test)
    expected, rest, _, _ = train_test_split(TREES, Y, random_state=0)
    assert_array_equal(
        predicted, make_classifier().fit(expected, y_train).predict(rest)
    )


@every_container
def test_shuffle_gives_what_can_be_transformed(container):
    model = make(UnfoldingRAETransformer).fit(TREES)
    X, order = shuffle(container(TREES), np.arange(len(TREES)), random_state=0)
    assert_allclose(model.transform(X), model.transform(TREES)[order], rtol=1e-12)


@pytest.fixture(scope="module")
def scores_of_a_list():
    return cross_val_score(make_classifier(), TREES, Y, cv=4)


@every_container
def test_cross_validation_of_a_classifier_is_that_of_a_list(
    container, scores_of_a_list
):
    scores = cross_val_score(make_classifier(), container(TREES), Y, cv=4)
    assert_allclose(scores, scores_of_a_list)
    assert scores.mean() > 0.7


@every_container
def test_cross_validation_predicts_a_label_for_each_tree(container):
    predicted = cross_val_predict(make_classifier(), container(TREES), Y, cv=3)
    assert (predicted == Y).mean() > 0.7


@every_estimator
@every_container
def test_cross_validation_uses_the_models_own_score(container, Estimator):
    scores = cross_val_score(make(Estimator), container(TREES), cv=2)
    model = make(Estimator).fit(TREES[20:])
    assert scores[0] == pytest.approx(model.score(TREES[:20]), rel=1e-10)


GRID = {
    "unfoldingraetransformer__n_components": [None, 3],
    "unfoldingraetransformer__pooling": ["root", ("root", "mean")],
}


@pytest.fixture(scope="module")
def search_of_a_list():
    return GridSearchCV(make_classifier(), GRID, cv=2).fit(TREES, Y)


@every_container
def test_grid_search_in_two_processes_is_that_of_a_list_in_one(
    container, search_of_a_list
):
    X = container(TREES)
    search = GridSearchCV(make_classifier(), GRID, n_jobs=2, cv=2).fit(X, Y)
    assert_allclose(
        search.cv_results_["mean_test_score"],
        search_of_a_list.cv_results_["mean_test_score"],
    )
    assert_array_equal(search.predict(X), search_of_a_list.predict(TREES))


def test_grid_search_tunes_the_loss_of_the_model_itself():
    grid = {"n_components": [1, None], "solver": ["adam", "lbfgs"]}
    search = GridSearchCV(make(UnfoldingRAETransformer), grid, cv=2).fit(TREES)
    assert search.best_params_ == {"n_components": None, "solver": "lbfgs"}


@every_container
def test_randomized_search_runs(container):
    grid = {"raetransformer__normalize": [True, False]}
    search = RandomizedSearchCV(
        make_classifier(RAETransformer), grid, n_iter=2, cv=2, random_state=0
    )
    assert search.fit(container(TREES), Y).best_score_ > 0.7


@every_container
def test_halving_search_runs(container):
    search = HalvingGridSearchCV(
        make_classifier(),
        {"unfoldingraetransformer__init": ["average", "glorot"]},
        min_resources=20,
        cv=2,
        random_state=0,
    )
    search.fit(container(TREES), Y)
    assert search.n_resources_ == [20]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@every_container
def test_a_learning_curve_is_drawn(container):
    sizes, train_scores, test_scores = learning_curve(
        make_classifier(),
        container(TREES),
        Y,
        cv=2,
        train_sizes=[0.5, 1.0],
        shuffle=True,
        random_state=0,
    )
    assert_array_equal(sizes, [10, 20])
    assert train_scores.mean() > 0.9
    assert test_scores.shape == (2, 2)


@every_container
def test_a_stack_and_a_vote_of_classifiers_of_trees_run(container):
    X = container(TREES)
    members = [
        ("unfolding", make_classifier()),
        ("plain", make_classifier(RAETransformer)),
    ]
    for ensemble in (
        StackingClassifier(members, cv=2),
        VotingClassifier(members, voting="soft"),
    ):
        assert ensemble.fit(X, Y).score(X, Y) > 0.8


@every_container
def test_a_cached_pipeline_fits_once(container, tmp_path, monkeypatch):
    n_fits = 0
    fit = UnfoldingRAETransformer._fit

    def counting_fit(self, X, y):
        nonlocal n_fits
        n_fits += 1
        return fit(self, X, y)

    monkeypatch.setattr(UnfoldingRAETransformer, "_fit", counting_fit)
    pipeline = Pipeline(make_classifier().steps, memory=str(tmp_path))
    X = container(TREES)
    first = pipeline.fit(X, Y).predict_proba(X)
    assert n_fits == 1
    second = clone(pipeline).fit(container(TREES), Y).predict_proba(X)
    assert n_fits == 1
    assert_array_equal(first, second)
    pipeline.fit(container(make_trees(seed=1)), Y)
    assert n_fits == 2


@every_container
def test_a_feature_union_puts_codes_side_by_side(container):
    X = container(TREES)
    union = FeatureUnion(
        [
            ("root", make(UnfoldingRAETransformer)),
            ("plain", make(RAETransformer, n_components=3)),
        ]
    )
    codes = union.fit_transform(X)
    assert_array_equal(codes[:, :2], make(UnfoldingRAETransformer).fit_transform(X))
    plain = make(RAETransformer, n_components=3)
    assert_array_equal(codes[:, 2:], plain.fit_transform(X))
    assert list(union.get_feature_names_out()) == [
        "root__unfoldingraetransformer0",
        "root__unfoldingraetransformer1",
        "plain__raetransformer0",
        "plain__raetransformer1",
        "plain__raetransformer2",
    ]


# A column of trees in a data frame


@pytest.fixture
def frame():
    return pd.DataFrame({"tree": TREES, "length": range(len(TREES))})


def make_columns(**changes):
    return ColumnTransformer(
        [
            ("codes", make(UnfoldingRAETransformer, **changes), "tree"),
            ("rest", MinMaxScaler(), ["length"]),
        ]
    )


def test_a_column_transformer_encodes_a_column_of_trees(frame):
    columns = make_columns()
    codes = columns.fit_transform(frame)
    expected = make(UnfoldingRAETransformer).fit_transform(TREES)
    assert_array_equal(codes[:, :2], expected)
    some = columns.transform(frame.iloc[3:5])
    assert_allclose(some[:, :2], expected[3:5], rtol=1e-12)
    assert list(columns.get_feature_names_out()) == [
        "codes__unfoldingraetransformer0",
        "codes__unfoldingraetransformer1",
        "rest__length",
    ]


def test_a_column_transformer_gives_a_data_frame_of_codes(frame):
    codes = make_columns().set_output(transform="pandas").fit_transform(frame)
    assert list(codes.columns) == [
        "codes__unfoldingraetransformer0",
        "codes__unfoldingraetransformer1",
        "rest__length",
    ]
    assert_array_equal(codes.to_numpy(), make_columns().fit_transform(frame))


def test_a_classifier_of_data_frames_with_trees_is_cross_validated(frame):
    pipeline = make_pipeline(
        make_columns(pooling="mean"), StandardScaler(), LogisticRegression(C=10)
    )
    assert cross_val_score(pipeline, frame, Y, cv=2).mean() > 0.7


# Names and containers of codes


@every_estimator
@every_container
def test_codes_are_named_after_the_class(container, Estimator):
    model = make(Estimator, pooling=("root", "max")).fit(container(TREES))
    name = Estimator.__name__.lower()
    expected = [f"{name}{i}" for i in range(4)]
    assert list(model.get_feature_names_out()) == expected


@every_container
def test_input_names_are_ignored_after_trees(container):
    model = make(UnfoldingRAETransformer).fit(container(TREES))
    names = model.get_feature_names_out()
    assert_array_equal(model.get_feature_names_out(["tree"]), names)
    assert_array_equal(model.get_feature_names_out(["a", "b", "c"]), names)


def test_wrong_input_names_are_refused_after_rows():
    rows = pd.DataFrame(np.eye(3), columns=list("abc"))
    model = make(UnfoldingRAETransformer).fit(rows)
    assert len(model.get_feature_names_out(list("abc"))) == 3
    with pytest.raises(ValueError, match="input_features"):
        model.get_feature_names_out(["tree"])


@every_estimator
@every_container
@pytest.mark.parametrize(
    ("library", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)]
)
def test_set_output_gives_data_frames(library, kind, container, Estimator):
    model = make(Estimator, pooling=("root", "mean")).set_output(transform=library)
    X = container(TREES)
    codes = model.fit_transform(X)
    assert isinstance(codes, kind)
    assert list(codes.columns) == list(model.get_feature_names_out())
    plain = make(Estimator, pooling=("root", "mean")).fit(TREES).transform(TREES)
    assert_array_equal(codes.to_numpy(), plain)


class Arity(TransformerMixin, BaseEstimator):
    """What scikit-learn does for the simplest of transformers."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.array([[len(tree)] for tree in X])

    def get_feature_names_out(self, input_features=None):
        return ["arity"]


def test_set_output_treats_the_index_of_a_series_as_scikit_learn_does():
    """Newer versions keep it, 1.7 does not."""
    X = pd.Series(TREES, index=[f"tree {i}" for i in range(len(TREES))])
    model, lengths = make(UnfoldingRAETransformer), Arity()
    expected = lengths.set_output(transform="pandas").fit_transform(X)
    codes = model.set_output(transform="pandas").fit_transform(X)
    assert list(codes.index) == list(expected.index)


@every_container
def test_set_output_leaves_the_other_methods_alone(container):
    model = make(UnfoldingRAETransformer).set_output(transform="pandas")
    X = container(TREES)
    model.fit(X)
    for method in ("score_samples", "reconstruction_error"):
        assert isinstance(getattr(model, method)(X), np.ndarray)
    codes, _ = model.transform_nodes(X)
    assert isinstance(codes, np.ndarray)
    decoded = model.inverse_transform(model.transform(X).to_numpy(), structures=X)
    assert len(decoded) == len(TREES)


def test_codes_in_a_data_frame_are_unfolded():
    model = make(UnfoldingRAETransformer).set_output(transform="pandas").fit(TREES)
    forest = Forest.from_nested(TREES)
    assert_allclose(
        model.inverse_transform(model.transform(TREES), forest).leaf_vectors(),
        model.reconstruct(forest).leaf_vectors(),
        rtol=1e-12,
    )


# Unfitted, refitted


@every_estimator
@every_container
@pytest.mark.parametrize(
    "method",
    [
        "transform",
        "reconstruct",
        "score_samples",
        "score",
        "reconstruction_error",
        "transform_nodes",
    ],
)
def test_an_unfitted_estimator_says_so(method, container, Estimator):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(make(Estimator), method)(container(TREES))


@every_estimator
def test_an_unfitted_estimator_cannot_unfold_or_name_codes(Estimator):
    with pytest.raises(NotFittedError):
        make(Estimator).inverse_transform(np.zeros((40, 2)), structures=TREES)
    with pytest.raises(NotFittedError):
        make(Estimator).get_feature_names_out()


@every_estimator
@every_container
def test_a_refit_on_trees_of_other_leaves_starts_afresh(container, Estimator):
    other = container(make_trees(n_features=3, seed=1))
    model = make(Estimator).fit(TREES).fit(other)
    assert model.n_features_in_ == 3
    assert_array_equal(model.transform(other), make(Estimator).fit_transform(other))


@every_container
def test_a_refit_on_trees_forgets_the_names_of_columns(container):
    rows = pd.DataFrame(np.eye(3), columns=list("abc"))
    model = make(UnfoldingRAETransformer).fit(rows)
    assert list(model.feature_names_in_) == list("abc")
    assert model.input_kind_ == "rows"
    model.fit(container(TREES))
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 2
    assert model.input_kind_ == "trees"
    assert model.transform(container(TREES)).shape == (40, 2)


def test_a_refit_on_rows_has_names_again():
    rows = pd.DataFrame(np.eye(3), columns=list("abc"))
    model = make(UnfoldingRAETransformer).fit(TREES).fit(rows)
    assert list(model.feature_names_in_) == list("abc")
    assert model.inverse_transform(model.transform(rows)).shape == (3, 3)


def test_data_frames_give_the_model_of_arrays():
    X = np.random.default_rng(0).uniform(-1, 1, (20, 3))
    expected = make(UnfoldingRAETransformer).fit(X).transform(X)
    columns = list("abc")
    for rows in (pd.DataFrame(X, columns=columns), pl.DataFrame(X, schema=columns)):
        model = make(UnfoldingRAETransformer).fit(rows)
        assert_array_equal(model.transform(rows), expected)


# Metadata routing


def leaves_of(trees):
    return Forest.from_nested(trees).leaf_vectors()


@every_estimator
@every_container
def test_a_pipeline_hands_structures_to_the_step_that_unfolds(container, Estimator):
    X = container(TREES)
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(make(Estimator), StandardScaler())
        codes = pipeline.fit_transform(X)
        decoded = pipeline.inverse_transform(codes, structures=X)
    assert isinstance(decoded, Forest if isinstance(X, Forest) else list)
    expected = make(Estimator).fit(TREES).reconstruct(TREES)
    assert_allclose(leaves_of(decoded), leaves_of(expected), rtol=1e-9)


def test_a_pipeline_with_two_unfolding_steps_hands_structures_to_both():
    """Of codes of trees, which are rows again, made by another such step."""
    X = np.random.default_rng(0).uniform(-1, 1, (20, 3))
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(
            make(UnfoldingRAETransformer), make(RAETransformer)
        ).fit(X)
        decoded = pipeline.inverse_transform(pipeline.transform(X))
    assert decoded.shape == X.shape


def test_a_pipeline_of_rows_decodes_without_structures():
    X = np.random.default_rng(0).uniform(-1, 1, (20, 3))
    pipeline = make_pipeline(StandardScaler(), make(UnfoldingRAETransformer)).fit(X)
    assert pipeline.inverse_transform(pipeline.transform(X)).shape == X.shape


def test_a_pipeline_works_whether_or_not_metadata_are_routed():
    with config_context(enable_metadata_routing=True):
        routed = make_classifier().fit(TREES, Y).predict_proba(TREES)
    assert_array_equal(routed, make_classifier().fit(TREES, Y).predict_proba(TREES))


# Display


def test_repr_shows_what_differs_from_the_defaults():
    assert repr(make(RAETransformer, normalize=True)) == (
        "RAETransformer(max_iter=2, normalize=True, random_state=0, tol=0)"
    )


@every_estimator
def test_html_display_works(Estimator):
    assert Estimator.__name__ in make(Estimator).fit(TREES)._repr_html_()
