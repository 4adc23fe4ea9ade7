"""DenoisingImputer: its parameters, bounds, draws, and small or odd tables."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from table_models import (
    THOROUGH,
    correlated,
    fill,
    holes,
    make,
    mixed_frame,
    outputs,
    punch,
)

from sk_autoenc import DenoisingImputer, filling
from sk_autoenc.parts.activations import ACTIVATIONS

# Values that are refused

ALLOWED = {
    "hidden_layer_sizes": (
        "whole numbers >= 1",
        [True, "8", 8.0, (0,), (-1,), None, (8, "a"), [[8]], {8}],
    ),
    "hidden_fraction": (
        "0 <= low <= high <= 1",
        [(0, 0), 0, (0.5, 0.2), (0, 1.1), (-0.1, 0.5), (np.nan, 0.5), "a", None, (1,)],
    ),
    "activation": ("a str among", ["softmax", None, np.tanh]),
    "n_estimators": ("int in the range [1, inf)", [0, -1, 1.5, "3", None]),
    "max_steps": ("int in the range [1, inf)", [0, 1.5, None]),
    "batch_size": ("a str among {'auto'}", [0, 1.5, "all", None]),
    "learning_rate_init": ("float in the range (0", [0, -0.1, None, np.nan, "0.1"]),
    "weight_decay": ("float in the range [0", [-0.1, None, "0.1"]),
    "n_bins": ("int in the range [0, inf)", [-1, 1.5, None]),
    "n_imputations": ("int in the range [1, inf)", [0, 1.5, None]),
    "sample_posterior": ("bool", ["yes", 2, None]),
    "keep_integers": ("bool", ["yes", None]),
    "add_indicator": ("bool", ["yes", None]),
    "keep_empty_features": ("bool", ["yes", None]),
    "early_stopping": ("bool", ["yes", None]),
    "validation_fraction": ("float in the range (0", [0, 1, -0.1, None]),
    "random_state": ("numpy.random.mtrand.RandomState", ["seed", -1, 1.5]),
    "verbose": ("int in the range [0, inf)", [-1, "loud"]),
    "min_value": ("a number, one for each of the 4", ["a", [1, 2], np.nan, {}]),
    "max_value": ("a number, one for each of the 4", ["a", [1, 2], np.nan, {}]),
    "categorical_features": (
        "numbers from 0 to 3",
        ["zz", [4], [-1], [True], [0.5], ["x9"]],
    ),
}
BAD = [(name, value) for name, (_, values) in ALLOWED.items() for value in values]


@pytest.mark.parametrize(("name", "value"), BAD, ids=str)
def test_a_bad_value_is_refused_by_name_value_and_what_is_allowed(name, value):
    imputer = make(**{name: value})
    with pytest.raises(ValueError, match=name) as error:
        imputer.fit(holes())
    message = str(error.value)
    assert re.search(rf"\b{name}\b", message)
    assert repr(value) in message
    assert ALLOWED[name][0] in message


def test_every_parameter_with_wrong_values_is_tried():
    free = {"missing_values"}  # anything may stand for a missing entry
    assert set(ALLOWED) | free == set(DenoisingImputer().get_params())


def test_an_infinite_number_of_steps_has_a_message():
    with pytest.raises(ValueError, match="max_steps"):
        make(max_steps=np.inf).fit(holes())


@pytest.mark.parametrize("bounds", [(1, 1), (2, 1), ([0, 0, 0, 5], 3)], ids=str)
def test_bounds_that_cross_are_refused(bounds):
    smallest, largest = bounds
    with pytest.raises(ValueError, match="min_value must be less than max_value"):
        make(min_value=smallest, max_value=largest).fit(holes())


@pytest.mark.parametrize("n_imputations", [0, 2.5])
def test_a_bad_number_of_imputations_set_later_is_refused(n_imputations):
    imputer = make().fit(holes()).set_params(n_imputations=n_imputations)
    with pytest.raises(ValueError, match="n_imputations"):
        imputer.sample_imputations(holes())


# Values that are taken


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_layer_sizes": np.array([8], np.int8)},
        {"hidden_layer_sizes": np.int64(8)},
        {"hidden_layer_sizes": 8},
        {"hidden_layer_sizes": [8]},
        {"n_estimators": np.uint8(2)},
        {"max_steps": np.int8(10)},
        {"n_bins": np.int16(4)},
        {"batch_size": np.int8(16)},
        {"learning_rate_init": np.float64(0.002)},
        {"weight_decay": np.float64(0.3)},
        {"validation_fraction": np.float64(0.1)},
        {"hidden_fraction": np.array([0.1, 0.9])},
        {"hidden_fraction": [np.float64(0.1), 0.9]},
        {"add_indicator": np.False_},
        {"random_state": np.int64(0)},
        {"min_value": -np.inf, "max_value": np.inf},
        {"missing_values": None},
        {"missing_values": pd.NA},
        {"categorical_features": None},
        {"categorical_features": ()},
        {"categorical_features": np.zeros(4, bool)},
    ],
    ids=str,
)
def test_numbers_of_numpy_and_other_spellings_are_as_those_of_python(changes):
    assert_array_equal(fill(holes(), **changes), fill(holes()))


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": 3},
        {"hidden_layer_sizes": (4, 3, 2)},
        *({"activation": name} for name in ACTIVATIONS),
        {"n_estimators": 1},
        {"n_bins": 0},
        {"n_bins": 1},
        {"n_bins": 10**6},
        {"max_steps": 1},
        {"max_steps": 51},
        {"batch_size": 1},
        {"batch_size": 10**6},
        {"weight_decay": 0},
        {"hidden_fraction": 0.5},
        {"hidden_fraction": (0, 1)},
        {"hidden_fraction": (1, 1)},
        {"early_stopping": True},
        {"early_stopping": True, "validation_fraction": 0.9},
        {"validation_fraction": 1e-9},
        {"validation_fraction": 0.99, "n_estimators": 5},
        {"keep_integers": True},
        {"random_state": None},
        {"random_state": np.random.RandomState(0)},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["numbers", "mixed"])
def test_every_setting_fills_all_holes(kind, changes):
    X = holes() if kind == "numbers" else mixed_frame()
    imputer = make(**changes).fit(X)
    filled = imputer.transform(X)
    assert not pd.isna(np.asarray(filled)).any()
    assert np.isfinite(imputer.blend_).all()
    assert np.isfinite(imputer.score(X))


@pytest.mark.parametrize("max_steps", [1, 7, 61])
@pytest.mark.parametrize("n_rows", [5, 60])
def test_max_steps_are_made_rounded_up_to_whole_epochs(max_steps, n_rows, monkeypatch):
    from sk_autoenc.parts import solvers

    n_steps, step = [], solvers.Adam.step
    monkeypatch.setattr(
        solvers.Adam,
        "step",
        lambda self, *arguments: n_steps.append(step(self, *arguments)),
    )
    imputer = make(max_steps=max_steps, n_estimators=1).fit(holes(n_rows))
    per_epoch = len(n_steps) / imputer.n_iter_
    assert max_steps <= len(n_steps) < max_steps + per_epoch


def test_verbose_prints_the_weights_and_the_epochs(capsys):
    make().fit(holes())
    assert capsys.readouterr().out == ""
    make(verbose=1).fit(holes())
    assert capsys.readouterr().out.startswith("Weights: Gaussian ")
    imputer = make(verbose=2, n_estimators=2).fit(holes())
    assert capsys.readouterr().out.count("Epoch ") == 2 * imputer.n_iter_


def squares(imputer):
    return sum((flat**2).sum() for flat in imputer._filler.members)


def test_weight_decay_makes_the_parameters_smaller():
    settings = {"max_steps": 50, "learning_rate_init": 0.01}
    free, held = (
        make(weight_decay=decay, **settings).fit(holes()) for decay in (0.0, 5.0)
    )
    assert squares(held) < 0.7 * squares(free)


def test_early_stopping_keeps_the_parameters_of_the_best_epoch(monkeypatch):
    plans = []

    def note(objective, parameters, rows, solver, plan):
        result = minimise(objective, parameters, rows, solver, plan)
        plans.append((result, plan.validate))
        if plan.validate:
            best = min(result.validation_loss_curve)
            assert plan.validate() == pytest.approx(best, rel=1e-6)
        return result

    minimise = filling.minimise
    monkeypatch.setattr(filling, "minimise", note)
    make(early_stopping=True, learning_rate_init=0.1, max_steps=60).fit(holes())
    for result, _ in plans:
        assert len(result.validation_loss_curve) == len(result.loss_curve) == 30
        assert result.validation_loss_curve[-1] > min(result.validation_loss_curve)
    plans.clear()
    make().fit(holes())
    assert [validate for _, validate in plans] == [None, None]


def test_each_network_is_trained_without_rows_of_its_own(monkeypatch):
    seen = []

    def note(objective, parameters, rows, solver, plan):
        seen.append(set(rows.tolist()))
        return minimise(objective, parameters, rows, solver, plan)

    minimise = filling.minimise
    monkeypatch.setattr(filling, "minimise", note)
    make(n_estimators=3, validation_fraction=0.2).fit(holes())
    held_out = [set(range(60)) - rows for rows in seen]
    assert [len(rows) for rows in held_out] == [12, 12, 12]
    assert len(set.union(*held_out)) == 36


def test_what_was_learned_by_heart_is_not_trusted():
    X = np.random.default_rng(0).normal(size=(100, 6))
    X[punch(X)] = np.nan
    imputer = make(
        hidden_layer_sizes=(64,),
        max_steps=500,
        n_bins=16,
        weight_decay=0.0,
        learning_rate_init=0.01,
        hidden_fraction=(0.1, 0.3),
        validation_fraction=0.3,
    ).fit(X)
    for curve in imputer.loss_curves_:
        assert curve[-1] < 0.3 * curve[0]
    assert imputer.blend_[1] < 0.5


# Bounds and whole numbers


def bounded(**changes):
    """What holes are filled with, and where they are."""
    X = 3 * holes()
    return fill(X, **changes), np.isnan(X), X


def test_filled_numbers_are_cut_at_one_bound_for_all_columns():
    plain, hidden, X = bounded()
    filled, *_ = bounded(min_value=-0.5, max_value=1)
    assert_allclose(filled[hidden], np.clip(plain, -0.5, 1)[hidden])
    assert_array_equal(filled[~hidden], X[~hidden])  # beyond the bounds, too


def test_filled_numbers_are_cut_at_bounds_of_each_column():
    smallest, largest = [-np.inf, 0, -1, -5], np.array([0.5, 1, np.inf, 5])
    plain, hidden, _ = bounded()
    filled, *_ = bounded(min_value=smallest, max_value=largest)
    assert_allclose(filled[hidden], np.clip(plain, smallest, largest)[hidden])


def test_draws_are_cut_at_the_bounds_too():
    filled, hidden, _ = bounded(min_value=0, max_value=1, sample_posterior=True)
    assert filled[hidden].min() >= 0
    assert filled[hidden].max() <= 1


def whole_numbers():
    X = np.round(10 * holes())
    X[:, 1] += 0.5
    return X


def test_columns_of_whole_numbers_get_whole_numbers_on_request():
    X = whole_numbers()
    hidden = np.isnan(X)
    plain, rounded = fill(X), fill(X, keep_integers=True)
    assert (plain[:, 0] % 1 != 0)[hidden[:, 0]].any()
    for column in (0, 2, 3):
        assert_array_equal(rounded[:, column], np.round(plain[:, column]))
    assert_array_equal(rounded[:, 1], plain[:, 1])


@pytest.mark.parametrize("dtype", ["Int64", "Int8", "UInt16"])
def test_nullable_integers_of_pandas_get_whole_numbers_anyway(dtype):
    X = pd.DataFrame(np.abs(np.round(10 * correlated()))).astype(dtype)
    X[4] = correlated()[:, 0]
    X = X.mask(punch(X))
    filled = fill(X, min_value=0)
    pd.testing.assert_series_equal(filled.dtypes, X.dtypes)
    of_floats = fill(X.astype(float), min_value=0)[range(4)]
    assert_array_equal(filled[range(4)].astype(float), np.round(of_floats))


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Int8, pl.UInt16])
def test_integers_of_polars_get_whole_numbers_anyway(dtype):
    X = np.abs(np.round(10 * correlated())).astype(int)
    hidden = punch(X)
    frame = pl.DataFrame(
        {
            f"c{k}": pl.Series(
                [
                    None if h else int(v)
                    for v, h in zip(X[:, k], hidden[:, k], strict=True)
                ],
                dtype=dtype,
            )
            for k in range(4)
        }
    )
    filled = fill(frame, min_value=0)
    assert filled.schema == frame.schema
    assert sum(filled.null_count().row(0)) == 0


def test_ints_with_minus_one_as_missing_stay_ints_in_a_frame():
    X = pd.DataFrame(
        np.abs(np.round(10 * correlated())).astype(int), columns=list("abcd")
    )
    X = X.mask(punch(X), -1)
    filled = fill(X, missing_values=-1, min_value=0)
    assert (filled.dtypes == "int64").all()
    observed = X != -1
    pd.testing.assert_frame_equal(filled[observed], X[observed])
    assert (filled >= 0).all().all()


# Draws


def test_imputations_differ_in_the_holes_and_nowhere_else():
    X = holes()
    first, second, third = make(n_imputations=3).fit(X).sample_imputations(X)
    hidden = np.isnan(X)
    for one, other in ((first, second), (second, third), (first, third)):
        assert_array_equal(one[~hidden], X[~hidden])
        assert (one != other)[hidden].mean() > 0.9


def test_the_first_imputation_is_what_transform_draws():
    X = mixed_frame()
    imputer = make(n_imputations=2).fit(X)
    first, _ = imputer.sample_imputations(X)
    imputer.set_params(sample_posterior=True)
    pd.testing.assert_frame_equal(imputer.transform(X), first)
    assert not first.equals(imputer.set_params(sample_posterior=False).transform(X))


def test_draws_of_categories_are_levels_by_their_probabilities():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"c": rng.choice(["a", "b"], 400, p=[0.8, 0.2]), "x": 0.0})
    X = X.mask(punch(X, 0.5))
    imputer = make(n_imputations=20, **THOROUGH).fit(X)
    tables = imputer.sample_imputations(X)
    hidden = X["c"].isna()
    drawn = np.concatenate([table["c"][hidden] for table in tables])
    assert set(drawn) == {"a", "b"}
    assert (drawn == "b").mean() == pytest.approx(0.2, abs=0.06)


def test_90_percent_of_the_truth_lie_within_central_90_percent_of_the_draws():
    rng = np.random.default_rng(0)
    common = rng.normal(size=(800, 1))
    whole = common @ [[1.0, -1.0, 2.0]] + 0.5 * rng.normal(size=(800, 3))
    X, new = whole[:400], whole[400:]
    train_hidden, hidden = punch(X), punch(new, seed=2)
    imputer = make(n_imputations=100, max_steps=100, n_estimators=3)
    imputer.fit(np.where(train_hidden, np.nan, X))
    draws = np.array(imputer.sample_imputations(np.where(hidden, np.nan, new)))
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    covered = ((low <= new) & (new <= high))[hidden].mean()
    assert 0.85 < covered < 0.95


def test_draws_spread_as_far_as_the_errors_of_their_column():
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    X = np.column_stack([x, -x + 0.02 * rng.normal(size=400), rng.normal(size=400)])
    X[300:, 1:] = np.nan
    imputer = make(n_imputations=30, hidden_layer_sizes=(), max_steps=200).fit(X)
    spread = np.std(imputer.sample_imputations(X), axis=0)[300:].mean(axis=0)
    assert spread[1] < 0.6 * spread[2]


def test_draws_lie_about_the_expected_value():
    X = holes(200)
    imputer = make(n_imputations=100).fit(X)
    hidden = np.isnan(X)
    mean = np.mean(imputer.sample_imputations(X), axis=0)
    error = (mean - imputer.transform(X))[hidden]
    assert np.abs(error).mean() < 0.2


def test_a_table_of_draws_is_of_the_type_of_the_table():
    for X in (holes(dtype=np.float32), mixed_frame()):
        for table in make(n_imputations=2).fit(X).sample_imputations(X):
            assert type(table) is type(X)
    X = mixed_frame()
    for table in make(n_imputations=2).fit(X).sample_imputations(X):
        pd.testing.assert_series_equal(table.dtypes, X.dtypes)


# Random numbers


@pytest.mark.parametrize("X", [holes(), mixed_frame()], ids=["numbers", "mixed"])
def test_the_same_seed_gives_the_same_and_another_another(X):
    first, same, other = (
        outputs(make(n_imputations=2, random_state=seed).fit(X), X)
        for seed in (3, 3, 4)
    )
    for name in first:
        assert_array_equal(first[name], same[name])
        assert np.any(first[name] != other[name])


def test_calls_after_a_fit_may_be_repeated():
    X = holes()
    imputer = make(n_imputations=2).fit(X)
    first, again = outputs(imputer, X), outputs(imputer, X)
    for name in first:
        assert_array_equal(first[name], again[name])


def test_a_random_state_goes_on_from_fit_to_fit():
    rng = np.random.RandomState(0)
    assert (fill(holes(), random_state=rng) != fill(holes(), random_state=rng)).any()


def test_the_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()
    outputs(make(random_state=None).fit(holes()), holes())
    assert_array_equal(np.random.get_state()[1], before)


# Small and odd tables

STRINGS = np.array([["a", None], ["b", "c"], [None, "c"], ["a", "d"]] * 3, object)
ODD = {
    "2 rows": holes(2),
    "3 rows": holes(3),
    "2 rows with holes": np.array([[1, np.nan, 3], [np.nan, 5, 6]]),
    "one column": holes()[:, :1],
    "one column of a category": STRINGS[:, :1],
    "a constant column": np.where(np.arange(4) == 1, 7.0, holes()),
    "a constant column with holes": np.array([[7, 1], [7, 2], [np.nan, 3.0]] * 4),
    "all constant": np.array([[7, np.nan], [np.nan, 2.0]] * 4),
    "0.1 again and again": np.array([[0.1], [0.1], [0.1], [np.nan]]),
    "only categories": STRINGS,
    "only levels alone": np.array([["a", None], [None, "c"]] * 4, object),
    "more columns than rows": holes(10, n_features=30),
    "an entry a column": np.array([[1, np.nan], [np.nan, 2]]),
    "a row of nothing": np.vstack([holes(), np.full((3, 4), np.nan)]),
    "twins": np.repeat(holes(), 2, axis=1),
    "few values": np.round(holes()),
    "far from 0": 1e9 + holes(),
    "large": 1e30 * holes(),
    "small": 1e-30 * holes(),
    "an outlier": np.vstack([holes(), [[1e6, np.nan, 0, 0]]]),
}


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("X", ODD.values(), ids=ODD)
def test_small_and_odd_tables_are_filled(X, early_stopping):
    filled = fill(X, early_stopping=early_stopping)
    observed = ~pd.isna(X)
    assert_array_equal(filled[observed], X[observed])
    assert not pd.isna(filled).any()


def test_one_level_is_filled_with_itself():
    X = np.array([["a", 1], [None, 2], ["a", 3]] * 5, object)
    assert set(fill(X)[:, 0]) == {"a"}


def test_scale_and_origin_of_the_numbers_do_not_matter():
    X = holes()
    assert_allclose(fill(1000 * X - 5000), 1000 * fill(X) - 5000, rtol=0.02)


def test_infinity_is_refused_in_training_and_after():
    X = holes()
    imputer = make().fit(X)
    X[3, 1] = np.inf
    for call in (make().fit, imputer.transform, imputer.score):
        with pytest.raises(ValueError, match="Column 'x1' of X contains infinity"):
            call(X)


# The score


def test_the_score_is_near_minus_1_for_independent_numbers_and_higher_otherwise():
    X = np.random.default_rng(0).normal(size=(300, 4))
    assert make().fit(X).score(X) == pytest.approx(-1, abs=0.15)
    assert make().fit(holes(300)).score(holes(300)) > -0.6


def test_the_score_of_categories_is_the_share_of_wrong_levels():
    levels = np.random.default_rng(0).choice(["a", "b"], (300, 2), p=[0.7, 0.3])
    imputer = make(**THOROUGH).fit(levels)
    assert imputer.score(levels) == pytest.approx(-0.3, abs=0.08)


def test_a_table_without_an_observed_entry_cannot_be_scored():
    imputer = make().fit(holes())
    with pytest.raises(ValueError, match="too few observed entries"):
        imputer.score(np.full((3, 4), np.nan))
