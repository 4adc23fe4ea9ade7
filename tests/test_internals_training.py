"""White box: what an estimator hands to the training, and what it makes of its end."""

import warnings
from unittest.mock import patch

import numpy as np
import pytest
import row_models
from numpy.testing import assert_allclose, assert_array_equal
from row_models import ones_in_random_places
from sklearn.exceptions import ConvergenceWarning
from tree_models import ROWS, TREES, every_estimator, make

import sk_autoenc.trees.forest
from sk_autoenc.base import warn_unless_converged
from sk_autoenc.feeds import TreeFeed
from sk_autoenc.networks import one_hidden
from sk_autoenc.training import Epoch, TrainingResult
from sk_autoenc.trees.forest import Forest

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


# Objectives of rows


def test_an_objective_serves_the_parameters_it_is_given(X):
    model = row_models.make(corruption=None).fit(X)
    first, second = (model._problem(X, None, reset=False) for _ in range(2))
    second.parameters.flat[:] *= 0.5
    rows = np.arange(7)
    for parameters in (first.parameters, second.parameters, first.parameters):
        value, gradient = first.objective(parameters, rows)
        if parameters is second.parameters:
            expected_value, expected = second.objective(parameters, rows)
            assert value == expected_value
            assert_array_equal(gradient.flat, expected.flat)
    assert value != expected_value


def test_wide_sparse_rows_are_encoded_by_weights_laid_out_by_feature():
    X = ones_in_random_places(300, 100_000)
    model = row_models.make(n_components=2, batch_size=10, max_iter=1).fit(X[:10])
    with patch.object(one_hidden, "encode", wraps=one_hidden.encode) as encode:
        codes = model.transform(X)
    for call in encode.call_args_list:
        assert call.args[1].T.flags.c_contiguous
    assert_allclose(codes[-1:], model.transform(X[-1:]), rtol=1e-12)


# Objectives of trees


def feeds_of(train):
    """The feeds that are made in training."""
    seen = []

    class Recorded(TreeFeed):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            seen.append(self)

    with patch("sk_autoenc.base_tree_autoencoder.TreeFeed", Recorded):
        train()
    return seen


def test_the_leaf_table_of_a_forest_reaches_the_objective_uncopied():
    forest = Forest.from_nested(TREES)
    seen = feeds_of(lambda: make().fit(forest).partial_fit(forest))
    assert [feed.forest.leaf_table is forest.leaf_table for feed in seen] == [
        True,
        True,
    ]


def test_rows_reach_the_objective_uncopied():
    (feed,) = feeds_of(lambda: make().fit(ROWS))
    assert np.shares_memory(feed.forest.leaf_table, ROWS)


# Parsing


@every_estimator
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_forest_is_never_parsed(Estimator, solver):
    forest = Forest.from_nested(TREES)
    with patch("sk_autoenc.trees.forest.flatten", side_effect=AssertionError):
        model = make(Estimator, solver=solver).fit(forest)
        codes = model.transform(forest)
        model.inverse_transform(codes, structures=forest)
        model.reconstruct(forest)
        model.score(forest)
        model.reconstruction_error(forest)
        model.transform_nodes(forest)
    make(Estimator).fit(TREES)  # the patch is gone


def test_nested_tuples_are_parsed_once_a_fit():
    with patch(
        "sk_autoenc.trees.forest.flatten", wraps=sk_autoenc.trees.forest.flatten
    ) as flatten:
        make(max_iter=7, early_stopping=True).fit(TREES)
    assert flatten.call_count == 1


# The end of a run


def warnings_of(loss_curve, ran_out=False):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        epochs = [Epoch(loss, None, 100) for loss in loss_curve]
        result = TrainingResult(0, epochs, ran_out=ran_out)
        warn_unless_converged(result, 20)
    return [str(warning.message) for warning in caught]


def test_a_loss_that_rose_is_warned_of_whatever_ended_the_run():
    for ran_out in (True, False):
        (message,) = warnings_of(np.geomspace(3, 30, 20), ran_out)
        for part in ("loss rose from 3", "to 30", "learning_rate_init", "scale X"):
            assert part in message


def test_a_loss_that_fell_is_not_warned_of():
    assert warnings_of(np.geomspace(30, 3, 20)) == []


def test_a_loss_that_explodes_within_few_epochs_is_warned_of():
    (message,) = warnings_of([1e3, 1e9, 1e20])
    assert "loss rose from 1e+03" in message


def test_a_stuck_run_warns_of_what_to_do():
    epochs = [Epoch(3.0, None, 20), Epoch(2.0, None, 40)]
    stuck = TrainingResult(0, epochs, ran_out=False, stuck=True)
    with pytest.warns(
        ConvergenceWarning, match="line search of lbfgs failed .* raise tol"
    ):
        warn_unless_converged(stuck, 200)
