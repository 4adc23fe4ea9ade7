"""Clones, pickles and files of an estimator, whichever it is."""

import copy
import pickle

import joblib
import pytest
from estimators import (
    every_case,
    every_case_and_solver,
    every_case_and_variant,
    every_minibatch_solver,
)
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

every_mmap_mode = pytest.mark.parametrize("mmap_mode", [None, "r", "c"])


def assert_transform_and_go_on_alike(case, twin, model):
    assert_array_equal(twin.transform(case.X), model.transform(case.X))
    assert twin.score(case.X) == model.score(case.X)
    case.assert_same_model(twin.partial_fit(case.X), model.partial_fit(case.X))


@every_case_and_variant
def test_a_clone_is_unfitted_and_has_the_same_parameters(changes, case):
    model = case.make(corruption="masking", **changes).fit(case.X)
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        twin.transform(case.X)
    case.assert_same_model(twin.fit(case.X), model)


@every_case_and_variant
@every_minibatch_solver
@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=["deepcopy", "pickle"],
)
def test_a_duplicate_transforms_and_goes_on_alike(duplicate, solver, changes, case):
    model = case.make(solver=solver, **changes).fit(case.X)
    assert_transform_and_go_on_alike(case, duplicate(model), model)


@every_case_and_variant
@every_mmap_mode
@every_minibatch_solver
def test_a_model_loaded_by_joblib_transforms_and_goes_on_alike(
    solver, mmap_mode, changes, case, tmp_path
):
    model = case.make(solver=solver, **changes).fit(case.X)
    joblib.dump(model, tmp_path / "model")
    twin = joblib.load(tmp_path / "model", mmap_mode=mmap_mode)
    assert_transform_and_go_on_alike(case, twin, model)


@every_case
@every_mmap_mode
def test_going_on_from_a_loaded_model_leaves_the_file_alone(mmap_mode, case, tmp_path):
    joblib.dump(case.make().fit(case.X), tmp_path / "model")
    before = (tmp_path / "model").read_bytes()
    twin = joblib.load(tmp_path / "model", mmap_mode=mmap_mode)
    twin.partial_fit(case.X).fit(case.X)
    assert (tmp_path / "model").read_bytes() == before


@every_case_and_solver
def test_a_pickled_model_of_any_solver_transforms_alike(solver, case):
    model = case.make(solver=solver, corruption=None).fit(case.X)
    twin = pickle.loads(pickle.dumps(model))
    assert_array_equal(twin.transform(case.X), model.transform(case.X))


@every_case_and_variant
@every_minibatch_solver
def test_skops_trusts_one_type_and_training_goes_on(solver, changes, case):
    skops = pytest.importorskip("skops.io")
    model = case.make(solver=solver, **changes).fit(case.X)
    saved = skops.dumps(model)
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    assert skops.get_untrusted_types(data=saved) == [kind]
    twin = skops.loads(saved, trusted=[kind])
    assert_transform_and_go_on_alike(case, twin, model)
