"""StackedDenoisingClassifier and -Regressor: layers that learn labels."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from sk_autoenc import (
    DenoisingAutoencoder,
    StackedDenoisingAutoencoder,
    StackedDenoisingClassifier,
    StackedDenoisingRegressor,
)
from sk_autoenc.base import split_rows
from sk_autoenc.parts.solvers import SOLVERS

TEMPLATE = DenoisingAutoencoder(max_iter=4, batch_size=20, random_state=1)
ANY_SIZE = DenoisingAutoencoder(max_iter=4, random_state=1)
SHARED = {"autoencoder": TEMPLATE, "max_iter": 10, "batch_size": 20, "random_state": 0}


def classifier(sizes=(8, 6), **changes):
    return StackedDenoisingClassifier(sizes, **SHARED | changes)


def regressor(sizes=(8, 6), **changes):
    return StackedDenoisingRegressor(sizes, **SHARED | changes)


MAKERS = {"classifier": classifier, "regressor": regressor}
both = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@pytest.fixture
def y(X):
    """Which of three parts of its range the sum of a row lies in."""
    return np.digitize(X.sum(axis=1), np.quantile(X.sum(axis=1), [0.3, 0.7]))


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


def all_of(model):
    return [
        *model.coefs_,
        *model.intercepts_,
        model.output_weights_,
        model.output_intercept_,
    ]


def assert_same(left, right):
    for one, other in zip(all_of(left), all_of(right), strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize(
    "estimator",
    [
        StackedDenoisingClassifier(
            (32, 16), autoencoder=ANY_SIZE, dropout=0.2, max_iter=40
        ),
        StackedDenoisingRegressor(
            (20, 10),
            autoencoder=ANY_SIZE,
            dropout=0.0,
            input_dropout=0.0,
            max_iter=100,
        ),
        StackedDenoisingRegressor(
            (20, 10), reconstruction=0.3, pretrain=False, max_iter=120
        ),
    ],
    ids=["classifier", "regressor", "with reconstruction"],
)
def test_every_check_of_scikit_learn_passes(estimator):
    for one, check in estimator_checks_generator(estimator):
        if "array_api" not in str(check):
            check(one)


# What is learned


def test_outputs_are_those_of_the_layers_and_the_head(X, y):
    model = classifier().fit(X, y)
    codes = X
    for coef, intercept in zip(model.coefs_, model.intercepts_, strict=True):
        codes = np.maximum(codes @ coef + intercept, 0)
    assert_allclose(model.transform(X), codes, rtol=1e-9, atol=1e-12)
    outputs = codes @ model.output_weights_.T + model.output_intercept_
    assert_allclose(model.decision_function(X), outputs, rtol=1e-9, atol=1e-12)
    powers = np.exp(outputs)
    expected = powers / powers.sum(axis=1, keepdims=True)
    assert_allclose(model.predict_proba(X), expected, rtol=1e-9)
    assert_array_equal(model.predict(X), model.classes_[outputs.argmax(axis=1)])


@both
def test_layers_start_from_those_of_the_stack_of_autoencoders(make, X, y):
    model = make(max_iter=1, learning_rate_init=1e-12).fit(X, y)
    stack = StackedDenoisingAutoencoder(
        (8, 6), autoencoder=TEMPLATE, fine_tune=False, random_state=0
    ).fit(X)
    assert model.pretraining_loss_curves_ == stack.pretraining_loss_curves_
    for one, other in zip(model.coefs_, stack.coefs_, strict=True):
        assert_allclose(one, other, atol=1e-9)


@both
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_the_first_value_is_the_mean_of_equation_59(make, share, X, y):
    model = make(
        reconstruction=share,
        dropout=0.0,
        input_dropout=0.0,
        autoencoder=clone(TEMPLATE).set_params(corruption=None),
        solver="lbfgs",
        early_stopping=False,
    )
    problem = model._problem(X, y, reset=True)
    rows = np.arange(len(X))
    value, _ = problem.objective(problem.parameters, rows)
    (objective,) = problem.objective.objectives
    network, parameters = objective.network, problem.parameters
    outputs = network.labels(parameters, X).copy()
    if make is classifier:
        exponentials = np.exp(outputs)
        p = exponentials / exponentials.sum(axis=1, keepdims=True)
        of_labels = -np.log(p[rows, y]).mean()
    else:
        targets = (y - y.mean()) / y.std()
        of_labels = ((outputs[:, 0] - targets) ** 2).mean() / 2
    expected = (1 - share) * of_labels
    if share:
        z = 1 / (1 + np.exp(-network.output(parameters, X)))
        entropy = -(X * np.log(z) + (1 - X) * np.log(1 - z))
        expected += share * entropy.mean()
    assert value == pytest.approx(expected, rel=1e-9)


def test_digits_are_learned(digits):
    X, y = digits
    model = classifier((100, 50), max_iter=60)
    assert model.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) > 0.88


def test_numbers_are_learned():
    X, y = load_diabetes(return_X_y=True)
    stack = StackedDenoisingRegressor((20, 10), random_state=0)
    model = make_pipeline(StandardScaler(), stack)
    assert cross_val_score(model, X, y, cv=3).mean() > 0.3


# Rows without a label


def test_rows_without_a_class_are_for_the_layers_only(X, y):
    some = np.arange(len(y)) % 3 > 0
    few = np.where(some, y, -1)
    without = classifier(pretrain=False)
    alone = clone(without).fit(X[some], y[some])
    assert_array_equal(without.fit(X, few).classes_, [0, 1, 2])
    assert_same(without, alone)
    with_layers = classifier().fit(X, few)
    stack = StackedDenoisingAutoencoder(
        (8, 6), autoencoder=TEMPLATE, fine_tune=False, random_state=0
    ).fit(X)
    assert with_layers.pretraining_loss_curves_ == stack.pretraining_loss_curves_
    assert with_layers.t_ < 10 * len(X)


def test_strings_stand_beside_the_mark_in_an_array_of_objects(X, y):
    names = np.array(["low", "middle", "high"], object)[y]
    names[::4] = -1
    model = classifier(max_iter=30).fit(X, names)
    assert_array_equal(model.classes_, ["high", "low", "middle"])
    assert set(model.predict(X)) <= {"high", "low", "middle"}


def test_minus_one_is_a_class_beside_a_single_other_number(X, y):
    signs = np.where(y == 0, -1, 1)
    model = classifier().fit(X, signs)
    assert_array_equal(model.classes_, [-1, 1])
    names = np.where(y == 0, -1, np.array("one", object))
    assert_array_equal(model.fit(X, names).classes_, ["one"])


def test_rows_without_numbers_are_for_the_layers_only(X, y):
    numbers = np.column_stack([y, X[:, 0]])
    holes = numbers.copy()
    holes[::3, 1] = np.nan
    some = np.arange(len(y)) % 3 > 0
    without = regressor(pretrain=False).fit(X, holes)
    alone = regressor(pretrain=False).fit(X[some], numbers[some])
    assert_same(without, alone)
    assert_allclose(without.target_mean_, numbers[some].mean(axis=0))
    assert without.predict(X).shape == (60, 2)


@pytest.mark.parametrize(
    ("make", "y"),
    [(classifier, [-1] * 60), (regressor, [np.nan] * 60)],
    ids=["classifier", "regressor"],
)
def test_some_row_must_have_a_label(make, y, X):
    with pytest.raises(ValueError, match="None of the 60 rows has a label"):
        make().fit(X, y)


# Settings


@pytest.mark.parametrize(
    ("make", "batch_size", "n_iter"),
    [(classifier, "auto", 167), (classifier, 1, 60), (regressor, "auto", 167)],
)
def test_few_labels_are_seen_more_often(make, batch_size, n_iter, X, y):
    model = make((4,), pretrain=False, max_iter="auto", batch_size=batch_size)
    assert model.fit(X, y).n_iter_ == n_iter


def test_early_stopping_keeps_the_parameters_that_were_best(X, y):
    model = classifier(early_stopping=True, max_iter=15).fit(X, y)
    curve = model.validation_loss_curve_
    assert len(curve) == 15
    assert model.best_loss_ == min(curve)
    problem = model._problem(X, y, reset=True)
    _, held_out = split_rows(problem, SOLVERS["adam"])
    wrong = (model.predict(X[held_out]) != y[held_out]).mean()
    assert wrong <= model.best_loss_ < wrong + 0.5 / len(held_out)


def test_one_label_of_each_class_is_enough_to_learn_from(digits):
    X, y = digits
    few = np.full(len(y), -1)
    first = np.unique(y, return_index=True)[1]
    few[first] = y[first]
    model = StackedDenoisingClassifier((100,), autoencoder=ANY_SIZE, random_state=0)
    assert model.fit(X, few).score(X, y) > 0.5


def test_several_numbers_are_held_out_by_chance_and_one_by_its_size(X):
    y = X[:, :2]
    assert regressor(early_stopping=True).fit(X, y).predict(X).shape == y.shape
    assert regressor(pretrain=False)._problem(X, y, reset=True).strata is None
    alone = regressor(pretrain=False)._problem(X, y[:, 0], reset=True)
    assert_allclose(alone.strata, (y[:, 0] - y[:, 0].mean()) / y[:, 0].std())


def test_early_stopping_warns_that_it_would_judge_by_too_few_rows(X, y):
    few = np.where(np.arange(60) < 20, y, -1)
    with pytest.warns(UserWarning, match="holds out 2 of 20 rows.* 3 classes"):
        classifier(early_stopping=True, batch_size="auto").fit(X, few)


def test_a_usual_batch_is_of_the_rows_that_are_not_held_out(X):
    few = np.where(np.arange(60) < 10, X.sum(axis=1), np.nan)
    model = regressor(early_stopping=True, batch_size="auto")
    assert model.fit(X, few).t_ == 9 * model.max_iter  # and no warning


@both
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_lbfgs_sees_all_rows_a_block_at_a_time(make, share, X, y, monkeypatch):
    layer = clone(TEMPLATE).set_params(corruption=None)
    settings = {"dropout": 0.0, "input_dropout": 0.0, "reconstruction": share}
    model = make(autoencoder=layer, alpha=0.1, pretrain=False, **settings)
    whole = model._problem(X, y, reset=True)
    expected, of_all = whole.objective(whole.parameters, np.arange(60))
    monkeypatch.setattr("sk_autoenc.feeds.BLOCK_ENTRIES", 1000)
    blocks = model.set_params(solver="lbfgs")._problem(X, y, reset=True)
    assert len(blocks.objective.objectives) > 2
    value, gradient = blocks.objective(blocks.parameters, np.arange(60))
    assert_allclose(value, expected, rtol=1e-12)
    assert_allclose(gradient.flat, of_all.flat, atol=1e-14)


def test_rows_that_all_have_labels_are_not_copied(X, y):
    problem = classifier(pretrain=False)._problem(X, y, reset=True)
    assert problem.objective.feed.X is X


@pytest.mark.parametrize("way", ["warm_start", "pretrain"])
def test_rows_that_are_not_reconstructed_may_have_any_values(way, X, y):
    layer = clone(TEMPLATE).set_params(loss="cross_entropy")
    model = classifier(autoencoder=layer, warm_start=True)
    if way == "warm_start":
        model.fit(X, y)
    else:
        model.set_params(pretrain=False)
    assert model.fit(3 * X, y).data_max_.max() > 2
    with pytest.raises(ValueError, match=r"loss='cross_entropy' needs every value"):
        clone(model).set_params(pretrain=True).fit(3 * X, y)


def test_weights_of_a_string_among_numbers_are_refused(X, y):
    with pytest.raises(ValueError, match=r"class_weight\['0'\] is of no class"):
        classifier(class_weight={"0": 2.0}).fit(X, y)


def test_class_weights_change_what_a_label_counts(X, y):
    plain = classifier(early_stopping=False, max_iter=30).fit(X, y)
    heavy = classifier(early_stopping=False, max_iter=30, class_weight={0: 100.0}).fit(
        X, y
    )
    assert (heavy.predict(X) == 0).sum() > (plain.predict(X) == 0).sum()
    ones = classifier(class_weight={0: 1.0, 1: 1, 2: 1}).fit(X, y)
    for one, other in zip(all_of(ones), all_of(classifier().fit(X, y)), strict=True):
        assert_allclose(one, other, rtol=1e-12)


def test_reconstruction_beside_the_labels_keeps_a_decoder(X, y):
    model = classifier(reconstruction=0.5, early_stopping=False).fit(X, y)
    network, parameters = model._ready(X.dtype)
    rows = network.architecture.loss and network.output(parameters, X)
    assert rows.shape == X.shape
    assert [coef.shape for coef in model.coefs_] == [(8, 8), (8, 6)]


@both
def test_a_warm_start_goes_on_without_pretraining(make, X, y):
    model = make(warm_start=True).fit(X, y)
    n_iter = model.n_iter_
    assert model.fit(X, y).n_iter_ == 2 * n_iter
    assert len(model.pretraining_loss_curves_) == 2


def test_a_warm_start_does_not_meet_new_classes(X, y):
    model = classifier(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="goes on with classes"):
        model.fit(X, y + 1)
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        model.set_params(reconstruction=0.5).fit(X, y)


def test_a_warm_start_meets_few_of_its_classes(X, y):
    model = classifier(warm_start=True, pretrain=False).fit(X, y)
    few = np.where(y == 1, 1, -1)
    assert len(model._problem(X, few, reset=False).strata) == (y == 1).sum()
    assert_array_equal(model.fit(X, few).classes_, [0, 1, 2])
    model = classifier(warm_start=True, pretrain=False).fit(X, few)
    assert_array_equal(model.classes_, [-1, 1])
    assert len(model._problem(X, np.full(60, -1), reset=False).strata) == 60


@both
def test_a_solver_that_nobody_goes_on_with_is_not_kept(make, X, y):
    model = make((40, 30), pretrain=False, max_iter=1).fit(X, y)
    assert len(pickle.dumps(model)) < model._flat.nbytes + 10_000


def test_layers_of_the_same_sizes_that_decode_do_not_go_on_as_ones_that_encode(X, y):
    model = classifier((4, 8), warm_start=True, pretrain=False).fit(X, y)
    model.set_params(hidden_layer_sizes=(4,), reconstruction=0.5)
    with pytest.raises(ValueError, match=r"of which 1 encode.* of which 2 encode"):
        model.fit(X, y)


@both
def test_a_feature_that_never_was_observed_has_no_influence(make, X, y):
    X = X.copy()
    X[:, 2] = np.nan
    model = make(pretrain=False, reconstruction=0.1).fit(X, y)
    other = np.where(np.arange(8) == 2, 7.0, X)
    assert_array_equal(model._outputs(other), model._outputs(X))


@both
def test_sparse_rows_and_missing_entries(make, X, y):
    X = np.where(X > 0.4, X, 0)
    layer = clone(TEMPLATE).set_params(corruption=None)
    model = make(input_dropout=0.0, autoencoder=layer)
    dense, sparse = clone(model).fit(X, y), model.fit(scipy.sparse.csr_array(X), y)
    for one, other in zip(all_of(dense), all_of(sparse), strict=True):
        assert_allclose(one, other, rtol=1e-7, atol=1e-10)
    assert_allclose(sparse.predict(scipy.sparse.csr_array(X)), dense.predict(X))
    make(input_dropout=0.3).fit(scipy.sparse.csr_array(X), y)
    X[::5, 2] = np.nan
    holes = make().fit(X, y)
    assert_array_equal(holes.transform(X), holes.transform(np.nan_to_num(X)))


@both
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_of_the_rows_is_kept(make, dtype, X, y):
    model = make().fit(X.astype(dtype), y)
    assert {part.dtype for part in all_of(model)} == {np.dtype(dtype)}
    assert model.transform(X.astype(dtype)).dtype == dtype


@both
def test_pickles_clones_and_repeats(make, X, y):
    model = make().fit(X, y)
    copied = pickle.loads(pickle.dumps(model))
    assert_array_equal(copied.predict(X), model.predict(X))
    assert_same(clone(model).fit(X, y), model)
    with pytest.raises(NotFittedError):
        clone(model).predict(X)


def test_a_search_reaches_the_template(digits):
    X, y = (part[:300] for part in digits)
    search = GridSearchCV(
        classifier((30, 20)), {"autoencoder__corruption_level": [0.1, 0.3]}, cv=2
    )
    assert search.fit(X, y).best_params_.keys() == {"autoencoder__corruption_level"}


@both
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dropout": 1.0}, "dropout"),
        ({"input_dropout": -0.1}, "input_dropout"),
        ({"reconstruction": 2.0}, "reconstruction"),
        ({"solver": "lbfgs", "dropout": 0.5}, "dropout=0.5 changes the objective"),
        (
            {"solver": "lbfgs", "dropout": 0.0, "input_dropout": 0.1},
            "input_dropout=0.1 changes the objective",
        ),
        (
            {"solver": "lbfgs", "dropout": 0, "input_dropout": 0, "reconstruction": 1},
            "reconstruction=1.0 adds .* corruption='masking' .*Use an autoencoder with",
        ),
        ({"autoencoder": 3}, "autoencoder must be a DenoisingAutoencoder"),
        ({"hidden_layer_sizes": (4, -1)}, "hidden_layer_sizes"),
        ({"layers": 0}, "from 1 to 2; got 0"),
    ],
)
def test_settings_that_are_none_are_refused(make, changes, message, X, y):
    model = make().fit(X, y)
    expected = model.predict(X)
    with pytest.raises(ValueError, match=message):
        model.set_params(**changes).fit(X, y)
    model.set_params(layers="last")
    assert_array_equal(model.predict(X), expected)


@pytest.mark.parametrize(
    ("make", "y", "message"),
    [
        (classifier, None, "requires y to be passed"),
        (regressor, None, "requires y to be passed"),
        (classifier, ["a", None] * 30, r"y\[1\] is None.*y=-1"),
        (classifier, ["a", "b", -1] * 20, r"number -1.*dtype=object"),
        (classifier, pd.Series([1, None] * 30, dtype="Int64"), r"y\[1\] is <NA>.*y=-1"),
        (classifier, np.array(["a", "b", "-1"] * 20), r"'-1' is one of them"),
        (classifier, [0.5, 1.5] * 30, "Unknown label type"),
        (classifier, ["a", 1, -1] * 20, "number -1.*dtype=object"),
        (
            classifier,
            np.array(["a", 1, -1] * 20, dtype=object),
            "classes of one kind.* got 'a' beside 1",
        ),
        (regressor, [1.0, np.inf] * 30, r"y\[1\] must be a finite number"),
        (regressor, [np.nan, np.inf] * 30, r"y\[1\] must be .* got inf"),
        (regressor, [1.0] * 59, "inconsistent numbers of samples"),
        (classifier, [1] * 59, "inconsistent numbers of samples"),
    ],
)
def test_labels_that_are_none_are_refused(make, y, message, X):
    with pytest.raises(ValueError, match=message):
        make().fit(X, y)
