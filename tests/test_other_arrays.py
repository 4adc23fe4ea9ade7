"""Arrays of other libraries, with and without scikit-learn's dispatch.

Dispatch needs a variable that scipy reads when it is imported: what is tested with it
runs in a process of its own, which prints what happened as JSON.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from every_estimator import EXAMPLES, ROWS

from sk_autoenc import DenoisingAutoencoder

TESTS = str(Path(__file__).parent)
OTHERS = {
    "array_api_strict": ("asarray", "array_api_strict.Array", "numpy.asarray(X)"),
    "torch": ("tensor", "torch.Tensor", "X.detach().cpu().numpy()"),
}
"""By library: what makes an array, its type, and the remedy that is named."""

EVERY_METHOD = """
import sys, json, importlib, warnings
sys.path.insert(0, sys.argv[2])
import sklearn
from every_estimator import CLASSES, EXAMPLES, ROWS, answers

warnings.simplefilter("ignore")
sklearn.set_config(array_api_dispatch=True)
library = importlib.import_module(sys.argv[1])
other = getattr(library, sys.argv[3])
X, y = other(ROWS), other(CLASSES)

def problem(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except TypeError as error:
        return str(error)
    except Exception as error:
        return repr(error)
    return "taken"

METHODS = ("fit", "partial_fit", "fit_transform", "transform", "inverse_transform",
           "reconstruct", "reconstruction_error", "score_samples", "predict",
           "predict_proba", "decision_function", "predict_nodes", "transform_nodes",
           "feature_contributions", "kneighbors", "sample_imputations")
found = {}
for name, example in EXAMPLES.items():
    model = example.fitted()
    answers(model, example.X)  # numpy is taken as ever
    for method in METHODS:
        if hasattr(model, method):
            labels = {} if example.y is None or "fit" not in method else {"y": y}
            found[f"{name}, {method}"] = problem(getattr(model, method), X, **labels)
    if example.y is not None:
        found[f"{name}, y"] = problem(model.fit, ROWS, y)
model = EXAMPLES["closed form"].model
found["sample_weight"] = problem(model.fit, ROWS, sample_weight=other(ROWS[:, 0]))
json.dump(found, sys.stdout)
"""


def with_dispatch(library):
    done = subprocess.run(
        [sys.executable, "-c", EVERY_METHOD, library, TESTS, OTHERS[library][0]],
        env=os.environ | {"SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("library", OTHERS)
def test_every_method_refuses_them_where_scikit_learn_dispatches(library):
    pytest.importorskip(library)
    _, kind, remedy = OTHERS[library]
    found = with_dispatch(library)
    assert len(found) > 5 * len(EXAMPLES)
    for what, message in found.items():
        name = what.rpartition(", ")[2]
        name = name if name in ("y", "sample_weight") else "X"
        expected = f"{name} is a {kind}, but sk_autoenc computes with numpy"
        assert message.startswith(expected), f"{what}: {message}"
        assert message.endswith(f"Pass {remedy.replace('X', name)}."), what


def test_without_dispatch_a_tensor_is_what_scikit_learn_makes_of_it():
    torch = pytest.importorskip("torch")
    model = DenoisingAutoencoder(3, max_iter=2, random_state=0)
    codes = model.fit(torch.tensor(ROWS)).transform(torch.tensor(ROWS))
    np.testing.assert_array_equal(codes, model.fit(ROWS).transform(ROWS))
