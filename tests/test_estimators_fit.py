"""What fitting does, and what comes out of it, whichever the estimator."""

import copy

import joblib
import numpy as np
import pytest
from estimators import (
    Recording,
    every_case,
    every_case_and_data,
    every_corruption,
    freeze,
    state_of,
)
from numpy.testing import assert_allclose, assert_array_equal

# Most fits here are short on purpose; those about the warning ask for it by name.
pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


# Attributes and parameters


@every_case
def test_attributes_tell_the_story_of_the_training(case):
    model = case.make(max_iter=7).fit(case.X)
    assert model.n_iter_ == len(model.loss_curve_) == 7
    assert model.t_ == 7 * len(case.X)
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.validation_loss_curve_ is None


@every_case
def test_parameters_given_at_construction_are_left_alone(case):
    model = case.make(learning_rate_init=None, batch_size="auto")
    before = model.get_params()
    after = model.fit(case.X).get_params()
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)


@every_case
def test_one_component_is_enough(case):
    codes = case.make(n_components=1).fit_transform(case.X)
    assert codes.shape == (len(case.X), 1)


# Training


@every_case
def test_alpha_shrinks_the_weights(case):
    def size(alpha):
        model = case.make(alpha=alpha, max_iter=20, learning_rate_init=0.03)
        return np.linalg.norm(case.weights(model.fit(case.X)))

    assert size(1.0) < 0.9 * size(0.0)


@every_case
@pytest.mark.parametrize("shuffle", [True, False])
def test_shuffle_decides_whether_samples_keep_their_order(shuffle, case):
    record = Recording()
    case.make(corruption=record, shuffle=shuffle).partial_fit(case.X)
    seen = np.concatenate(record.vectors)
    assert np.array_equal(seen, case.vectors()) != shuffle
    assert_array_equal(np.sort(seen, axis=0), np.sort(case.vectors(), axis=0))


@every_case
@every_corruption
def test_every_corruption_trains(corruption, case):
    settings = {"corruption_level": 0.3, "max_iter": 20, "learning_rate_init": 0.02}
    model = case.make(corruption=corruption, **settings).fit(case.X)
    assert model.loss_curve_[-1] < 0.95 * model.loss_curve_[0]


@every_case
@every_corruption
def test_corruption_is_another_training(corruption, case):
    model = case.make(corruption=corruption, corruption_level=0.3).fit(case.X)
    plain = case.make(corruption=None).fit(case.X)
    is_same = np.array_equal(case.weights(model), case.weights(plain))
    assert is_same == (corruption is None)


@every_case
def test_epochs_are_corrupted_anew(case):
    record = Recording()
    case.make(corruption=record, batch_size=len(case.X)).fit(case.X)
    assert len(record.numbers) == len(set(record.numbers)) == 3


# What comes out


@every_case
def test_fit_transform_is_fit_then_transform(case):
    codes = case.make().fit_transform(case.X)
    assert_array_equal(codes, case.make().fit(case.X).transform(case.X))


@every_case
def test_score_is_the_mean_of_the_scores_of_samples(case):
    model = case.make().fit(case.X)
    score = model.score(case.X)
    assert isinstance(score, float)
    assert score == pytest.approx(model.score_samples(case.X).mean(), rel=1e-14)
    assert score < 0


@every_case
def test_labels_do_not_change_the_score(case):
    model = case.make().fit(case.X)
    assert model.score(case.X) == model.score(case.X, np.arange(len(case.X)))


@every_case
@every_corruption
def test_nothing_after_fit_is_corrupted(corruption, case):
    model = case.make(corruption=corruption, corruption_level=1.0).fit(case.X)
    codes = case.codes_by_equations(model, case.X)
    assert_allclose(model.transform(case.X), codes, rtol=0, atol=1e-12)
    scores = case.scores_by_equations(model, case.X)
    assert_allclose(model.score_samples(case.X), scores, rtol=1e-12, atol=1e-13)


@every_case
@every_corruption
def test_nothing_after_fit_is_random(corruption, case):
    model = case.make(corruption=corruption, corruption_level=1.0).fit(case.X)
    first, again = (case.outputs(model, case.X) for _ in range(2))
    for name, output in first.items():
        assert_array_equal(again[name], output, err_msg=name)


@every_case_and_data
def test_reading_leaves_the_estimator_as_it_was(kind, case):
    X = case.data[kind]
    model = case.make().fit(X)
    before, parameters = state_of(model), model.get_params()
    case.outputs(model, X)
    assert state_of(model) == before
    assert model.get_params() == parameters


# The caller's data


@every_case_and_data
@every_corruption
def test_the_callers_data_are_not_changed(corruption, kind, case):
    """With the activations that could be taken for no operation at all."""
    X = copy.deepcopy(case.data[kind])
    before = joblib.hash(X)
    model = case.make(corruption=corruption, corruption_level=0.5, **case.linear)
    model.fit(X).partial_fit(X)
    case.outputs(model, X)
    assert joblib.hash(X) == before == joblib.hash(case.data[kind])


@every_case
def test_decoding_does_not_change_the_codes(case):
    model = case.make(**case.linear).fit(case.X)
    codes = model.transform(case.X)
    before = codes.copy()
    case.decode(model, codes)
    assert_array_equal(codes, before)


@every_case_and_data
@every_corruption
def test_read_only_data_work(corruption, kind, case):
    X = copy.deepcopy(case.data[kind])
    if kind != "Forest":  # which is read-only by itself
        freeze(X)
    model = case.make(corruption=corruption, corruption_level=0.5).fit(X).partial_fit(X)
    for name, output in case.outputs(model, X).items():
        assert np.isfinite(output).all(), name
