"""Runs that are cut off and go on from a directory."""

import functools
import itertools
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sk_autoenc import (
    DenoisingAutoencoder,
    RAETransformer,
    RecursiveClassifier,
    RecursiveRegressor,
    UnfoldingRAETransformer,
)
from sk_autoenc.checkpoint import (
    FILE,
    digest_of_value,
    name_of_value,
    write_at_once,
)
from sk_autoenc.shards import InProcess, fit_shards

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")


@pytest.fixture(autouse=True)
def every_epoch_is_kept(monkeypatch):
    monkeypatch.setattr("sk_autoenc.checkpoint.SECONDS_BETWEEN", 0)


def rows_model(**settings):
    usual = {"n_components": 3, "batch_size": 20, "max_iter": 6, "random_state": 0}
    return DenoisingAutoencoder(**usual | settings)


def trees():
    rng = np.random.default_rng(0)
    made = [
        ((rng.random(3), rng.random(3)), rng.random(3)) if k % 2 else (rng.random(3),)
        for k in range(30)
    ]
    return made, np.arange(30) % 2


MODELS = {
    "adam": rows_model(),
    "held-out rows": rows_model(early_stopping=True, corruption="swap"),
    "adaptive": rows_model(
        solver="sgd", learning_rate="adaptive", n_iter_no_change=1, tol=0.5
    ),
    "sampled": rows_model(corruption="gaussian", tied_weights=False),
    "unfolding": UnfoldingRAETransformer(
        max_iter=6, batch_size=10, corruption="masking", random_state=0
    ),
    "children": RAETransformer(max_iter=6, batch_size=10, random_state=0),
    "classifier": RecursiveClassifier(
        max_iter=6, dropout=0.3, early_stopping=False, random_state=0
    ),
    "regressor": RecursiveRegressor(max_iter=6, dropout=0.3, random_state=0),
}
every_model = pytest.mark.parametrize("name", MODELS)


def data_of(name, X):
    return (
        (X, None)
        if "adam" in name or isinstance(MODELS[name], DenoisingAutoencoder)
        else trees()
    )


class CutOff(Exception):
    """Stands for a power cut."""


def cut_off_after(n_epochs, monkeypatch):
    """Let each run end by an error once so many epochs are kept."""
    count = itertools.count(1)

    def write(path, content):
        write_at_once(path, content)
        if next(count) == n_epochs:
            raise CutOff

    monkeypatch.setattr("sk_autoenc.checkpoint.write_at_once", write)


def assert_same(model, other):
    for name in ("loss_curve_", "validation_loss_curve_"):
        if getattr(model, name) is not None:
            assert_allclose(getattr(model, name), getattr(other, name), rtol=1e-13)
    arrays = [k for k, v in vars(model).items() if isinstance(v, np.ndarray)]
    assert arrays
    for name in arrays:
        assert_allclose(getattr(model, name), getattr(other, name), err_msg=name)


@every_model
def test_a_run_that_was_cut_off_goes_on_to_the_same_result(
    name, X, tmp_path, monkeypatch
):
    data = data_of(name, X)
    whole = clone(MODELS[name]).fit(*data)
    cut_off_after(3, monkeypatch)
    model = clone(MODELS[name])
    with pytest.raises(CutOff):
        model.fit(*data, checkpoint=tmp_path)
    assert not hasattr(model, "n_iter_")
    model.fit(*data, checkpoint=tmp_path)
    assert_same(model, whole)
    assert model.n_iter_ == whole.n_iter_


def test_a_run_without_a_seed_keeps_its_own(X, tmp_path, monkeypatch):
    cut_off_after(2, monkeypatch)
    model = rows_model(random_state=None, early_stopping=True)
    with pytest.raises(CutOff):
        model.fit(X, checkpoint=tmp_path)
    model.fit(X, checkpoint=tmp_path)
    again = rows_model(random_state=None, early_stopping=True)
    assert_same(again.fit(X, checkpoint=tmp_path), model)


def test_shards_go_on_to_the_same_result(X, tmp_path, monkeypatch):
    parts = [X[:35], X[35:]]
    model = rows_model(random_state=0, early_stopping=True)
    whole = fit_shards(clone(model), InProcess(parts))
    cut_off_after(3, monkeypatch)
    with pytest.raises(CutOff):
        fit_shards(model, InProcess(parts), tmp_path)
    assert_same(fit_shards(model, InProcess(parts), tmp_path), whole)


def test_lbfgs_goes_on_from_its_last_iteration(X, tmp_path, monkeypatch):
    settings = {"solver": "lbfgs", "corruption": None, "max_iter": 40}
    whole = rows_model(**settings).fit(X)
    cut_off_after(15, monkeypatch)
    model = rows_model(**settings)
    with pytest.raises(CutOff):
        model.fit(X, checkpoint=tmp_path)
    model.fit(X, checkpoint=tmp_path)
    assert_allclose(model.loss_curve_[:15], whole.loss_curve_[:15], rtol=1e-12)
    assert model.loss_curve_[15] < whole.loss_curve_[14]
    assert model.n_iter_ <= 40


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_run_that_is_over_is_not_made_again(X, tmp_path, monkeypatch, solver):
    model = rows_model(solver=solver, corruption=None).fit(X, checkpoint=tmp_path)

    def refuse(*arguments):
        raise AssertionError("it trains")

    monkeypatch.setattr("sk_autoenc.objectives.Objective.__call__", refuse)
    monkeypatch.setattr("sk_autoenc.objectives.Objective.sum", refuse)
    again = rows_model(solver=solver, corruption=None).fit(X, checkpoint=tmp_path)
    assert_same(again, model)


def test_the_warning_of_a_run_that_ran_out_is_given_again(X, tmp_path):
    model = rows_model(learning_rate="constant", max_iter=2)
    for _ in range(2):
        with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
            model.fit(X, checkpoint=tmp_path)


def test_short_epochs_are_not_kept_each(X, tmp_path, monkeypatch):
    monkeypatch.setattr("sk_autoenc.checkpoint.SECONDS_BETWEEN", 1000)
    written = []
    monkeypatch.setattr(
        "sk_autoenc.checkpoint.write_at_once", lambda *file: written.append(file)
    )
    rows_model().fit(X, checkpoint=tmp_path)
    assert len(written) == 2  # the first, and the last


def test_a_pipeline_hands_it_on(X, tmp_path):
    pipeline = make_pipeline(MinMaxScaler(), rows_model())
    pipeline.fit(X, denoisingautoencoder__checkpoint=tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder" / FILE).exists()


def keep_all(X, level, rng):
    return X.copy()


OTHERS = {
    "random_state": ({"random_state": 1}, lambda X: X),
    "corruption": ({"corruption": keep_all}, lambda X: X),
    "n_components": ({"n_components": 2}, lambda X: X),
    "max_iter": ({"max_iter": 7}, lambda X: X),
    "n_samples": ({}, lambda X: X[:-1]),
    "dtype": ({}, lambda X: X.astype(np.float32)),
    "facts of X": ({}, lambda X: X / 2),
}


def test_folds_that_look_alike_are_told_apart(tmp_path):
    X = np.random.default_rng(0).integers(2, size=(60, 5)).astype(float)
    rows_model().fit(X[:40], checkpoint=tmp_path)
    with pytest.raises(ValueError, match="facts of X"):
        rows_model().fit(X[20:], checkpoint=tmp_path)


def test_other_labels_are_told_apart(tmp_path):
    X, y = trees()
    model = clone(MODELS["classifier"]).fit(X, y, checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"of another run: different are labels "):
        clone(model).fit(X, 1 - y, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="facts of X"):
        clone(model).fit(X[::-1], y, checkpoint=tmp_path)


@pytest.mark.parametrize("what", OTHERS)
def test_the_checkpoint_of_another_run_is_refused(X, tmp_path, what):
    rows_model().fit(X, checkpoint=tmp_path)
    settings, change = OTHERS[what]
    with pytest.raises(ValueError, match=f"of another run: .*{what}.*delete"):
        rows_model(**settings).fit(change(X), checkpoint=tmp_path)


def test_a_damaged_checkpoint_is_refused(X, tmp_path):
    rows_model().fit(X, checkpoint=tmp_path)
    content = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"no checkpoint that can be read.*Delete"):
        rows_model().fit(X, checkpoint=tmp_path)


def test_a_version_that_differs_is_named(X, tmp_path):
    rows_model().fit(X, checkpoint=tmp_path)
    run, state = pickle.loads((tmp_path / FILE).read_bytes())
    content = pickle.dumps((run | {"version": "0.0.1"}, state))
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ValueError, match=r"version \('0\.0\.1' there"):
        rows_model().fit(X, checkpoint=tmp_path)


def test_a_corruption_that_cannot_be_kept_is_named(X, tmp_path):
    def nowhere(X, level, rng):
        return X.copy()

    for corruption in (nowhere, functools.partial(nowhere)):
        model = rows_model(corruption=corruption)
        with pytest.raises(ValueError, match=r"checkpoint .* function of a module"):
            model.fit(X, checkpoint=tmp_path)
        assert not hasattr(model, "n_iter_")


def test_a_write_that_fails_leaves_the_last_checkpoint(X, tmp_path, monkeypatch):
    write_at_once(tmp_path / "file", b"whole")

    def fail(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_at_once(tmp_path / "file", b"next")
    assert (tmp_path / "file").read_bytes() == b"whole"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_what_is_no_directory_is_named(X, tmp_path):
    with pytest.raises(TypeError, match="checkpoint must be a directory"):
        rows_model().fit(X, checkpoint=5)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file") as raised:
        rows_model().fit(X, checkpoint=tmp_path / "file")
    assert "checkpoint=" in raised.value.__notes__[0]


def test_a_run_of_parts_does_not_go_on_as_another(X, tmp_path):
    fit_shards(rows_model(), InProcess([X[:35], X[35:]]), tmp_path)
    with pytest.raises(ValueError, match="way of reading X"):
        rows_model().fit(X, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="way of reading X"):
        fit_shards(rows_model(), InProcess([X[:30], X[30:]]), tmp_path)


def test_a_model_that_goes_on_is_told_from_another(X, tmp_path):
    one, other = (
        rows_model(warm_start=True, random_state=seed).fit(X).set_params(random_state=5)
        for seed in (0, 1)
    )
    one.fit(X, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="parameters at the start"):
        other.fit(X, checkpoint=tmp_path)


def test_names_of_settings_do_not_depend_on_the_process():
    partly = functools.partial(keep_all, level=0.5)
    assert "0x" not in name_of_value(partly)
    assert name_of_value(partly) == name_of_value(pickle.loads(pickle.dumps(partly)))
    assert name_of_value(partly) != name_of_value(functools.partial(keep_all, level=1))


def test_a_digest_is_of_values_and_not_of_who_shares_them():
    word = "ab" * 3
    shared, apart = [word, word], ["".join(["ab"] * 3) for _ in range(2)]
    assert shared == apart
    assert digest_of_value(shared) == digest_of_value(apart)
    assert digest_of_value(shared) != digest_of_value(["ab", "ab"])
