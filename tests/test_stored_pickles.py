"""Models that other versions saved, in tests/pickles: each loads and answers alike.

`.ci/store_pickles.py` stores those of this version; see CONTRIBUTING.md.
"""

import pickle
from pathlib import Path

import numpy as np
import pytest
from every_estimator import EXAMPLES, answers, every_estimator
from numpy.testing import assert_allclose, assert_array_equal

import sk_autoenc
from sk_autoenc import DenoisingAutoencoder, MarginalizedDenoisingAutoencoder
from sk_autoenc.saving import VERSION, release

# Of scikit-learn's estimators in ours.
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.InconsistentVersionWarning"
)

FOLDER = Path(__file__).parent / "pickles"
STORED = sorted(FOLDER.glob("*/*.pickle"))
X = np.random.default_rng(0).random((30, 4))


def loaded(state, Estimator=DenoisingAutoencoder):
    model = Estimator()
    model.__setstate__(state)
    return model


def state_of(model):
    return model.fit(X).__getstate__()


@pytest.mark.parametrize(
    "path", STORED, ids=lambda path: str(path.relative_to(FOLDER).with_suffix(""))
)
def test_a_stored_model_answers_as_it_did(path):
    stored = pickle.loads(path.read_bytes())
    found = answers(stored["model"], stored["X"])
    assert found.keys() == stored["answers"].keys()
    for name, expected in stored["answers"].items():
        if expected.dtype.kind == "f":
            # Networks of tables compute in float32.
            assert_allclose(found[name], expected, rtol=1e-5, atol=1e-6, err_msg=name)
        else:
            assert_array_equal(found[name], expected, err_msg=name)


@every_estimator
def test_every_estimator_is_stored(Estimator):
    newest = max(STORED, key=lambda path: release(path.parent.name)).parent
    stored = pickle.loads((newest / f"{Estimator.__name__}.pickle").read_bytes())
    assert type(stored["model"]) is Estimator


def test_nothing_is_stored_of_a_version_to_come():
    assert all(
        release(path.parent.name) <= release(sk_autoenc.__version__) for path in STORED
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_version_is_in_what_is_saved_and_nowhere_else(name):
    model = EXAMPLES[name].fitted()
    assert model.__getstate__()[VERSION] == sk_autoenc.__version__
    assert VERSION not in vars(model)
    assert VERSION not in vars(pickle.loads(pickle.dumps(model)))


def test_a_model_of_a_newer_version_is_loaded_with_a_warning():
    state = state_of(DenoisingAutoencoder(2, max_iter=2)) | {VERSION: "1000.2"}
    with pytest.warns(UserWarning, match=r"saved by sk_autoenc 1000\.2 .* older") as w:
        assert loaded(state).transform(X).shape == (30, 2)
    assert w[0].filename == __file__


@pytest.mark.parametrize("version", ["0.0.1", "0.1.0.dev0", None])
def test_a_model_of_an_older_version_is_loaded_in_silence(version):
    state = state_of(DenoisingAutoencoder(2, max_iter=2)) | {VERSION: version}
    if version is None:
        del state[VERSION]
    assert loaded(state).transform(X).shape == (30, 2)


def test_a_parameter_that_is_newer_than_the_model_has_its_default():
    state = state_of(DenoisingAutoencoder(2, max_iter=2)) | {VERSION: "0.0.1"}
    del state["contraction"]
    model = loaded(state)
    assert model.get_params()["contraction"] == 0.0
    assert model.fit(X).transform(X).shape == (30, 2)


@pytest.mark.parametrize(
    ("changes", "what"),
    [({"sk_autoenc helper": "Gone"}, "Gone"), ({"gone": 1}, "'gone'")],
)
def test_what_cannot_be_read_says_which_version_can(changes, what):
    state = MarginalizedDenoisingAutoencoder().partial_fit(X).__getstate__()
    state |= {VERSION: "0.0.1", "_moments": state["_moments"] | changes}
    with pytest.raises(ValueError, match=f"saved by sk_autoenc 0.0.1, and .*{what}"):
        loaded(state, MarginalizedDenoisingAutoencoder)
