"""Docstrings say what the code does; their form is checked by .ci/docstrings.py."""

import inspect
import re
from ast import literal_eval

import pytest

from sk_autoenc import (
    DenoisingAutoencoder,
    GreedyTrees,
    NodeNeighbors,
    RAETransformer,
    ReconstructionOutlierDetector,
    SubtreeCounts,
    TreePairFeatures,
    UnfoldingRAETransformer,
)


def defaults_in_docstring(estimator):
    """Name and default of every parameter whose docstring says one."""
    text = inspect.getdoc(estimator).replace("\\\n", "")
    headings = re.findall(r"^(\w+(?:, \w+)*) : .*\bdefault=(.+)$", text, re.MULTILINE)
    return {
        name: literal_eval(default)
        for names, default_or_two in headings
        for name, default in zip(
            names.split(", "), default_or_two.split(" and "), strict=True
        )
    }


def defaults_in_code(estimator):
    parameters = inspect.signature(estimator).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters}


@pytest.mark.parametrize(
    "estimator",
    [
        DenoisingAutoencoder,
        GreedyTrees,
        NodeNeighbors,
        ReconstructionOutlierDetector,
        SubtreeCounts,
        TreePairFeatures,
        UnfoldingRAETransformer,
    ],
)
def test_the_docstring_says_the_default_of_every_parameter(estimator):
    assert defaults_in_docstring(estimator) == defaults_in_code(estimator)


def test_the_plain_relative_has_the_defaults_of_the_unfolding_one():
    plain, unfolding = map(defaults_in_code, (RAETransformer, UnfoldingRAETransformer))
    del unfolding["unfold_from"]
    assert plain == unfolding | {"normalize": False}
