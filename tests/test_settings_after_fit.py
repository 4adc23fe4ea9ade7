"""Settings that shape the network count from the next fit on, not before."""

import numpy as np
import pytest
from estimators import CASES, over
from numpy.testing import assert_array_equal

CHANGES = [
    {"activation": "tanh"},
    {"activation": "banana"},
    {"output_activation": "banana"},
    {"encoder_activation": "identity"},
    {"decoder_activation": "banana"},
    {"unfold_from": "banana"},
    {"unfold_from": "all"},
    {"normalize": "no"},
    {"normalize": True},
    {"child_weights": "leaves"},
    {"tied_weights": False},
    {"loss": "banana"},
    {"n_components": 77},
]


def cases_with(changes):
    known = [
        case for case in CASES if changes.keys() <= case.make().get_params().keys()
    ]
    return [(case, changes) for case in known]


@over(
    ("case", "changes"), [pair for changes in CHANGES for pair in cases_with(changes)]
)
def test_a_setting_changed_after_fit_changes_no_output(case, changes):
    model = case.make().fit(case.X)
    before = case.outputs(model, case.X)
    model.set_params(**changes)
    for name, output in case.outputs(model, case.X).items():
        assert_array_equal(output, before[name], err_msg=name)


WRONG = [changes for changes in CHANGES if {"banana", "no"} & set(changes.values())]


@over(("case", "changes"), [pair for changes in WRONG for pair in cases_with(changes)])
def test_a_wrong_setting_is_refused_by_the_next_training(case, changes):
    model = case.make().fit(case.X)
    (name,) = changes
    for method in (model.set_params(**changes).fit, model.partial_fit):
        with pytest.raises(ValueError, match=f"'{name}' parameter"):
            method(case.X)
    assert np.isfinite(model.transform(case.X)).all()
