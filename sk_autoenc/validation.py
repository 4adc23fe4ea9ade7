"""From what a user passes to what the rest may trust; every message a user can see."""

import math
import sys
import warnings
from numbers import Integral, Real
from types import SimpleNamespace

import numpy as np
import scipy.sparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from sk_autoenc._compat import Interval, StrOptions, validate_parameter_constraints
from sk_autoenc.array_validation import refuse_other_arrays
from sk_autoenc.parts.corruptions import CORRUPTIONS
from sk_autoenc.parts.solvers import SOLVERS

FEATURE_ATTRIBUTES = ("n_features_in_", "feature_names_in_")

POSITIVE = Interval(Real, 0, None, closed="neither")
NON_NEGATIVE = Interval(Real, 0, None, closed="left")
AT_LEAST_ONE = Interval(Integral, 1, None, closed="left")
DECAY = Interval(Real, 0, 1, closed="left")

TRAINING_CONSTRAINTS = {
    "corruption": [
        StrOptions({name for name in CORRUPTIONS if name is not None}),
        callable,
        None,
    ],
    "corruption_level": [NON_NEGATIVE],
    "alpha": [NON_NEGATIVE],
    "solver": [StrOptions(set(SOLVERS))],
    "batch_size": [StrOptions({"auto"}), AT_LEAST_ONE],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive", "cosine"})],
    "learning_rate_init": [POSITIVE, None],
    "power_t": [NON_NEGATIVE],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "beta_1": [DECAY],
    "beta_2": [DECAY],
    "epsilon": [POSITIVE],
    "max_iter": [StrOptions({"auto"}), AT_LEAST_ONE],
    "shuffle": ["boolean"],
    "tol": [NON_NEGATIVE],
    "n_iter_no_change": [AT_LEAST_ONE],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}
"""Of the parameters that every estimator of the package has."""


def check_parameters(estimator, constraints):
    """Refuse parameters of a wrong type or out of range, or a level of corruption.

    Returns
    -------
    settings : SimpleNamespace
        As `check_settings` gives them.
    """
    settings = check_settings(estimator, constraints)
    check_corruption_level(settings.corruption, settings.corruption_level)
    return settings


def check_settings(estimator, constraints):
    """Refuse parameters of a wrong type or out of range, by scikit-learn's rules.

    Returns
    -------
    settings : SimpleNamespace
        The parameters by name. This is the one place that makes Python numbers of
        whatever a search hands over: small numpy integers wrap around and half
        precision overflows where Python's numbers do neither.
    """
    parameters = {
        name: as_python_number(name, value, constraints.get(name, ()))
        for name, value in estimator.get_params(deep=False).items()
    }
    validate_parameter_constraints(constraints, parameters, type(estimator).__name__)
    return SimpleNamespace(**parameters)


def as_python_number(name, value, constraints):
    """Return a number as an int, float or bool, anything else as it is."""
    if isinstance(value, np.bool_):
        return bool(value)
    if not isinstance(value, Real):
        return value
    kinds = {
        interval.type for interval in constraints if isinstance(interval, Interval)
    }
    if isinstance(value, Integral) and (Integral in kinds or "verbose" in constraints):
        return int(value)
    if Real not in kinds:
        return value
    try:
        return float(value)
    except OverflowError:
        raise ValueError(
            f"{name} must be a number that a float holds, at most "
            f"{sys.float_info.max:.3g}; got an integer of {value.bit_length()} bits."
        ) from None


def check_corruption_level(corruption, level):
    """Refuse a level that is not a probability where it must be one."""
    if callable(corruption):
        return
    highest = CORRUPTIONS[corruption].max_level
    if level > highest:
        raise ValueError(
            f"corruption_level must be in [0, {highest:g}] for corruption="
            f"{corruption!r}, where it is a probability; got {level!r}."
        )


def check_same_loss_every_time(settings):
    """Refuse a corruption to a solver that needs one and the same function."""
    if not SOLVERS[settings.solver].by_minibatches and settings.corruption is not None:
        raise ValueError(
            f"solver={settings.solver!r} needs the same loss at every evaluation, but "
            f"corruption={settings.corruption!r} is drawn anew each time. Use "
            "corruption=None, or solver='adam' or 'sgd'."
        )


def check_same_dropout_every_time(settings, name="dropout"):
    """Refuse dropout to a solver that needs one fixed objective."""
    level = getattr(settings, name)
    if level and not SOLVERS[settings.solver].by_minibatches:
        raise ValueError(
            f"{name}={level} changes the objective at each step, but "
            f"solver={settings.solver!r} needs it to stay the same. Use {name}=0 or "
            "another solver."
        )


def caller_level():
    """Return the `stacklevel` that names the line of whoever called the package."""
    frame, level = sys._getframe(1), 1
    while frame and frame.f_globals.get("__name__", "").partition(".")[0] in (
        "sk_autoenc",
        "sklearn",
    ):
        frame, level = frame.f_back, level + 1
    return level


def features_of(estimator, check, X):
    """Validate X for training from scratch.

    Returns
    -------
    checked : object
        What ``check(estimator, X, reset=True)`` returns. It sees a copy of the
        estimator: nothing is set on the estimator itself.
    learned : dict
        The attributes about features that fit is to set.
    """
    shadow = object.__new__(type(estimator))
    shadow.__dict__ = vars(estimator).copy()
    for name in FEATURE_ATTRIBUTES:
        vars(shadow).pop(name, None)
    checked = check(shadow, X, reset=True)
    state = vars(shadow)
    return checked, {name: state[name] for name in FEATURE_ATTRIBUTES if name in state}


def check_X(estimator, X, *, reset, accept_sparse=True, allow_nan=False):
    """Return X as a C-contiguous float array or canonical CSR matrix.

    float32 and float64 stay, other numbers become float64. The order is C because the
    rows of a batch are gathered: from a Fortran array numpy would copy all of it, at
    every batch.
    """
    refuse_other_arrays(X)
    X = validate_data(
        estimator,
        X,
        reset=reset,
        accept_sparse="csr" if accept_sparse else False,
        dtype=[np.float64, np.float32],
        order="C",
        ensure_all_finite="allow-nan" if allow_nan else True,
    )
    if scipy.sparse.issparse(X):
        # Products of a damaged matrix write outside of its memory.
        X.check_format(full_check=True)
        if not X.has_canonical_format:
            X = X.copy()  # the user's own matrix stays as it is
            X.sum_duplicates()
    return X


def check_codes(estimator, codes, n_components):
    """Return codes as a float array of shape (n_samples, n_components)."""
    refuse_other_arrays(codes)
    codes = check_array(codes, dtype=[np.float64, np.float32], order="C")
    if codes.shape[1] != n_components:
        raise ValueError(
            f"X has {codes.shape[1]} features, but inverse_transform of "
            f"{type(estimator).__name__} is expecting {n_components} features as "
            "input: codes as transform returns them."
        )
    return codes


ROWS_TO_SEE = 250_000
"""Rows that ``max_iter="auto"`` sees, between the bounds of `resolve_max_iter`."""


def resolve_max_iter(max_iter, n_samples, *, by_minibatches):
    """Return the largest number of epochs, or of iterations on all rows at once.

    "auto" is what `ROWS_TO_SEE` make, but from 10 to 200.
    """
    if max_iter != "auto":
        return max_iter
    return min(max(ROWS_TO_SEE // n_samples, 10), 200) if by_minibatches else 200


def resolve_batch_size(batch_size, n_samples, *, warn):
    """Return a batch size of at most n_samples.

    "auto" is a tenth of the samples, but from 10 to 200: ``doc/results.md`` shows what
    a single step an epoch does to small data.
    """
    if batch_size == "auto":
        return min(max(n_samples // 10, 10), 200, n_samples)
    if batch_size > n_samples and warn:
        warnings.warn(
            f"Got `batch_size` ({batch_size}) larger than the number of samples to "
            f"train on ({n_samples}). It is going to be clipped.",
            UserWarning,
            stacklevel=caller_level(),
        )
    return min(batch_size, n_samples)


def count_held_out(n_samples, validation_fraction):
    """Return how many samples early stopping holds out."""
    n_held_out = math.ceil(validation_fraction * n_samples)
    if n_held_out >= n_samples:
        raise ValueError(
            f"early_stopping=True with validation_fraction={validation_fraction} holds "
            f"out {n_held_out} of n_samples={n_samples} and leaves none to train on. "
            "Pass more samples, lower validation_fraction, or use early_stopping=False."
        )
    return n_held_out


def trained_on(settings, n_samples):
    """Return how many samples early stopping does not hold out."""
    if settings.early_stopping and SOLVERS[settings.solver].by_minibatches:
        n_samples -= count_held_out(n_samples, settings.validation_fraction)
    return n_samples
