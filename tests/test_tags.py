"""What an estimator says of itself, by tags and by its diagram's link, is true."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from every_estimator import (
    CLASSES,
    EXAMPLES,
    ROWS,
    every_estimator,
)
from sklearn.base import clone
from sklearn.utils import get_tags

from sk_autoenc import (
    DenoisingAutoencoder,
    DenoisingImputer,
    GreedyTrees,
    LeafVectorizer,
    TableDenoisingAutoencoder,
    TreePairFeatures,
)

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def with_hole(X):
    X = X.copy()
    X[0, 0] = np.nan
    return X


KINDS = {
    "two_d_array": ROWS,
    "sparse": scipy.sparse.csr_array(ROWS),
    "allow_nan": with_hole(ROWS),
    "string": np.array([["a", "b"], ["b", "a"]] * 15),
    "categorical": np.array([["a", 1], ["b", 2]] * 15, object),
    "one_d_array": ROWS[:, 0],
    "three_d_array": ROWS.reshape(15, 2, 4),
}
"""Data of each kind, by the name of the tag that says whether it is taken."""
OF_TREES = (LeafVectorizer, GreedyTrees, TreePairFeatures)
"""What takes lists of trees alone, of which tags say nothing."""
TAKE_ROWS = [
    name for name, each in EXAMPLES.items() if not isinstance(each.model, OF_TREES)
]
ENCODE = [
    name
    for name, each in EXAMPLES.items()
    if hasattr(each.model, "transform") and not isinstance(each.model, LeafVectorizer)
]


def takes(model, X, y):
    try:
        clone(model).fit(X, y)
    except (TypeError, ValueError):
        return False
    return True


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", TAKE_ROWS)
def test_what_is_taken_is_what_the_tags_say(name, kind):
    model, y = EXAMPLES[name].model, EXAMPLES[name].y
    said = getattr(get_tags(model).input_tags, kind)
    y = None if y is None else CLASSES[: KINDS[kind].shape[0]]
    assert takes(model, KINDS[kind], y) == said


@pytest.mark.parametrize("Estimator", OF_TREES)
def test_what_takes_trees_alone_says_so(Estimator):
    assert not get_tags(Estimator()).input_tags.two_d_array


def test_tokens_have_no_type_to_preserve():
    assert get_tags(LeafVectorizer()).transformer_tags.preserves_dtype == []


@every_estimator
def test_what_encodes_is_a_transformer(Estimator):
    tags = get_tags(Estimator())
    assert (tags.transformer_tags is not None) == hasattr(Estimator, "transform")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ENCODE)
def test_what_is_preserved_is_what_the_tags_say(name, dtype):
    model, X, y = EXAMPLES[name]
    tags = get_tags(model)
    if tags.input_tags.two_d_array:
        X, y = ROWS.astype(dtype), None if y is None else CLASSES
    else:
        X = in_dtype(X, dtype)
    codes = clone(model).fit(X, y).transform(X)
    assert codes.dtype == dtype
    assert np.dtype(dtype).name in tags.transformer_tags.preserves_dtype


def in_dtype(trees, dtype):
    if isinstance(trees, np.ndarray):
        return trees.astype(dtype)
    return type(trees)(in_dtype(tree, dtype) for tree in trees)


@every_estimator
def test_what_needs_labels_says_so(Estimator):
    tags = get_tags(Estimator())
    of_labels = tags.estimator_type in ("classifier", "regressor")
    assert tags.target_tags.required == of_labels
    assert (tags.classifier_tags is not None) == (tags.estimator_type == "classifier")
    assert (tags.regressor_tags is not None) == (tags.estimator_type == "regressor")
    assert tags.requires_fit
    assert not tags.non_deterministic
    assert not tags.array_api_support


@pytest.mark.parametrize("Estimator", [DenoisingImputer, TableDenoisingAutoencoder])
def test_with_another_mark_nan_is_refused_and_the_tags_say_so(Estimator):
    model = Estimator(missing_values=-1)
    assert not get_tags(model).input_tags.allow_nan
    with pytest.raises(ValueError, match="NaN"):
        model.fit(with_hole(ROWS))


@every_estimator
def test_the_diagram_links_to_the_place_in_the_documentation(Estimator):
    page, _, anchor = Estimator()._get_doc_link().partition("#")
    documentation = PYPROJECT["project"]["urls"]["Documentation"]
    assert page == documentation.replace("/tree/", "/blob/") + "/api.md"
    headings = re.findall(r"^## (.+)$", (ROOT / "doc/api.md").read_text(), re.M)
    assert anchor in [heading.lower() for heading in headings]
    assert f'href="{page}#{anchor}"' in Estimator()._repr_html_()


def test_a_class_of_somebody_elses_has_no_link():
    class Mine(DenoisingAutoencoder):
        pass

    assert Mine()._get_doc_link() == ""
