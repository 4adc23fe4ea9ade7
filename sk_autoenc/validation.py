"""From what a user passes to what the rest may trust; every message a user can see."""

import math
import sys
import warnings
from numbers import Integral, Real
from types import SimpleNamespace

import numpy as np
import scipy.sparse
from sklearn.utils import check_array
from sklearn.utils.sparsefuncs import min_max_axis
from sklearn.utils.validation import validate_data

from sk_autoenc._compat import (
    WRAPPER_FRAMES,
    Interval,
    StrOptions,
    validate_parameter_constraints,
)
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.corruptions import CORRUPTIONS
from sk_autoenc.parts.losses import LOSSES, make_loss
from sk_autoenc.parts.solvers import SOLVERS

SCALER_ROUNDING = 1e-6
"""MinMaxScaler leaves values such as 1 + 2e-16, which must not change the loss."""

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

HIDDEN_UNIT_CONSTRAINTS = {
    "sparsity": [NON_NEGATIVE],
    "sparsity_target": [Interval(Real, 0, 1, closed="neither")],
    "contraction": [NON_NEGATIVE],
}
"""Of the penalties on hidden units."""

DENOISING_CONSTRAINTS = TRAINING_CONSTRAINTS | {
    "n_components": [AT_LEAST_ONE],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "output_activation": [StrOptions({"auto", *ACTIVATIONS})],
    "loss": [StrOptions({"auto", "mixed", *LOSSES})],
    "tied_weights": ["boolean"],
    **HIDDEN_UNIT_CONSTRAINTS,
    "reconstruction_sampling": [POSITIVE, None],
}

STACK_CONSTRAINTS = {
    "fine_tune": ["boolean"],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
}
"""Of a stack, beside those of its template."""

LABELLED_STACK_CONSTRAINTS = {
    name: constraints
    for name, constraints in TRAINING_CONSTRAINTS.items()
    if not name.startswith("corruption")
} | {
    "pretrain": ["boolean"],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "input_dropout": [Interval(Real, 0, 1, closed="left")],
    "reconstruction": [Interval(Real, 0, 1, closed="both")],
    "class_weight": [dict, StrOptions({"balanced"}), None],
}


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


def check_emphasis(emphasis):
    """Return the weights of (corrupted, untouched) entries, or None if both are 1."""
    valid = isinstance(emphasis, list | tuple | np.ndarray) and len(emphasis) == 2
    valid = valid and all(isinstance(weight, Real) for weight in emphasis)
    try:
        corrupted, untouched = map(float, emphasis if valid else (0, 0))
    except OverflowError:  # an integer larger than any float
        valid = False
    else:
        valid = min(corrupted, untouched) >= 0 and 0 < corrupted + untouched < math.inf
    if not valid:
        raise ValueError(
            "emphasis must be two numbers >= 0, not both 0: the weights of the loss on "
            "corrupted and on untouched entries, such as (1.0, 1.0) or (1.0, 0.5); got "
            f"{emphasis!r}."
        )
    return None if corrupted == untouched == 1 else (corrupted, untouched)


def check_something_to_learn(settings):
    """Refuse a loss that looks at corrupted entries only, where there are none."""
    weights = check_emphasis(settings.emphasis)
    uncorrupted = settings.corruption is None or (
        isinstance(settings.corruption, str) and settings.corruption_level == 0
    )
    if weights is not None and weights[1] == 0 and uncorrupted:
        raise ValueError(
            f"emphasis={settings.emphasis!r} gives untouched entries no weight, and "
            f"with corruption={settings.corruption!r}, corruption_level="
            f"{settings.corruption_level!r} there are no others. Use corruption, or a "
            "second weight > 0."
        )


def check_feature_groups(feature_groups, n_features):
    """Return the number of features of each group, or None without groups."""
    if feature_groups is None:
        return None
    try:
        groups = np.asarray(feature_groups)
    except ValueError:  # lists of different lengths
        groups = np.empty((1, 1))
    whole = groups.dtype.kind in "iu" and groups.ndim == 1
    if not whole or len(groups) != n_features:
        raise ValueError(
            f"feature_groups must be one whole number for each of the {n_features} "
            "features of X, the same for features of one column of a table, or None; "
            f"got {feature_groups!r:.200}."
        )
    first = np.flatnonzero(np.concatenate([[True], groups[1:] != groups[:-1]]))
    if len(np.unique(groups)) < len(first):
        number, seen = np.unique(groups[first], return_counts=True)
        raise ValueError(
            "feature_groups must have the features of a group side by side, but "
            f"group {number[seen > 1][0]} is in several places. Reorder the columns of "
            "X."
        )
    return np.diff(first, append=n_features)


def check_same_groups(layout, fitted_layout):
    """Refuse other groups than those of the model that is to go on."""
    widths = [
        None if some is None else list(some[0]) for some in (layout, fitted_layout)
    ]
    if widths[0] != widths[1]:
        raise ValueError(
            "feature_groups are not those of the fitted model, which cannot go on with "
            "others. Fit anew (warm_start=False), or set them back."
        )


def check_sparsity(settings):
    """Refuse a target for the mean of units that do not lie in [0, 1]."""
    if settings.sparsity and settings.activation != "logistic":
        raise ValueError(
            f"sparsity={settings.sparsity!r} pulls the mean of each hidden unit to "
            f"sparsity_target={settings.sparsity_target!r}, which is defined for units "
            f"in [0, 1], those of activation='logistic'; got activation="
            f"{settings.activation!r}. Use activation='logistic', or sparsity=0."
        )


def check_sampling(settings, X):
    """Refuse to evaluate the loss on some features where it does not add up so."""
    ratio, corruption = settings.reconstruction_sampling, settings.corruption
    if ratio is None:
        return
    refused = [
        (
            not scipy.sparse.issparse(X),
            "needs a sparse X, whose stored values name the features to look at; got a "
            "dense array. Pass a CSR matrix or array",
        ),
        (
            not SOLVERS[settings.solver].by_minibatches,
            "draws other features at every evaluation of the loss, but "
            f"solver={settings.solver!r} needs the same. Use solver='adam' or 'sgd'",
        ),
        (
            callable(corruption) or not CORRUPTIONS[corruption].elementwise_on_nonzeros,
            "needs a corruption under which zeros stay zeros; got "
            f"corruption={corruption!r}. Use 'masking' or None",
        ),
        (
            settings.feature_groups is not None,
            "takes features one by one, but feature_groups hold some together. Use "
            "feature_groups=None",
        ),
        (
            check_emphasis(settings.emphasis) is not None,
            "looks at stored values and at zeros that are not corrupted; got "
            f"emphasis={settings.emphasis!r}. Use emphasis=(1, 1)",
        ),
        (
            settings.contraction > 0,
            "touches the weights of some features, but "
            f"contraction={settings.contraction!r} those of all. Use contraction=0",
        ),
    ]
    for is_refused, problem in refused:
        if is_refused:
            raise ValueError(
                f"reconstruction_sampling={ratio!r} {problem}, or "
                "reconstruction_sampling=None."
            )


def check_same_features_touched(settings, fitted):
    """Refuse to go on with steps on all features that were on some, or the reverse."""
    if (settings.reconstruction_sampling is not None) != fitted:
        raise ValueError(
            f"reconstruction_sampling={settings.reconstruction_sampling!r}, but the "
            f"model to go on from was fitted {'with' if fitted else 'without'} "
            "sampling, and its solver keeps its moments in another order. Set it back, "
            "or start afresh: fit with warm_start=False."
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


def check_same_reconstruction_every_time(settings, corruption):
    """Refuse rows that are corrupted anew to a solver that needs one objective."""
    share = settings.reconstruction
    by_minibatches = SOLVERS[settings.solver].by_minibatches
    if share and corruption is not None and not by_minibatches:
        raise ValueError(
            f"reconstruction={share} adds the denoising loss of rows that are "
            f"corrupted anew at each step, by corruption={corruption!r} of the "
            f"autoencoder, but solver={settings.solver!r} needs the same loss at every "
            "evaluation. Use an autoencoder with corruption=None, reconstruction=0 or "
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


def check_tied_weights(settings, fitted):
    """Refuse to go on training with weights tied that were free, or the reverse."""
    if settings.tied_weights != fitted:
        raise ValueError(
            f"tied_weights={settings.tied_weights}, but the model to go on from was "
            f"fitted with tied_weights={fitted}. Set it back, or start afresh: fit "
            "with warm_start=False."
        )


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
    codes = check_array(codes, dtype=[np.float64, np.float32], order="C")
    if codes.shape[1] != n_components:
        raise ValueError(
            f"X has {codes.shape[1]} features, but inverse_transform of "
            f"{type(estimator).__name__} is expecting {n_components} features as "
            "input: codes as transform returns them."
        )
    return codes


def feature_range(X):
    """Return the smallest and the largest value of each feature, dense or sparse.

    NaN is none; of a feature without any value both are NaN.
    """
    if scipy.sparse.issparse(X):
        return min_max_axis(X, axis=0, ignore_nan=True)
    smallest, largest = X.min(axis=0), X.max(axis=0)
    if np.isnan(smallest).any():  # rarely: these take longer
        smallest, largest = np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)
    return smallest, largest


def check_something_observed(data_min):
    """Refuse rows of which every entry is missing, by their `feature_range`."""
    if np.isnan(data_min).all():
        raise ValueError(
            "Every entry of X is missing (NaN): there is nothing to learn from. Pass "
            "rows with some observed entries."
        )


def choose_loss(loss, output_activation, values, layout=None):
    """Return the names of the loss and the output activation to use.

    Parameters
    ----------
    loss, output_activation : str
        As the user gave them, possibly "auto".
    values : tuple of two floats
        Smallest and largest value of X.
    layout : tuple or None, default=None
        Of groups of features: the arguments of `mixed_groups`.
    """
    if loss == "mixed" and layout is None:
        raise ValueError(
            "loss='mixed' needs feature_groups, which say what features belong to one "
            "column of a table. Pass them, or use loss='auto'."
        )
    if loss == "auto" and layout is not None:
        loss = "mixed"
    elif loss == "auto":
        fits = output_activation in ("auto", "logistic") and within(
            values, LOSSES["cross_entropy"].target_range
        )
        loss = "cross_entropy" if fits else "squared_error"
    described = make_loss(loss, layout)
    allowed, target_range = described.output_activations, described.target_range
    if output_activation == "auto":
        output_activation = allowed[0]
    if output_activation not in allowed:
        raise ValueError(
            f"output_activation={output_activation!r} does not go with loss={loss!r}, "
            f"which is defined for {', '.join(map(repr, allowed))}. Change one of the "
            "two, or leave output_activation='auto'."
        )
    if not within(values, target_range):
        (low, high), (lowest, highest) = values, target_range
        raise ValueError(
            f"loss={loss!r} needs every value of X in [{lowest:g}, {highest:g}]; got "
            f"values from {low:.10g} to {high:.10g}. Scale X (for instance with "
            "MinMaxScaler(clip=True)), or use loss='squared_error'."
        )
    return loss, output_activation


def within(values, target_range):
    """Tell whether values lie in the range of a loss, up to a scaler's rounding."""
    (low, high), (lowest, highest) = values, target_range
    return low >= lowest - SCALER_ROUNDING and high <= highest + SCALER_ROUNDING


ROWS_TO_SEE = 250_000
"""Rows that ``max_iter="auto"`` sees, between the bounds of `resolve_max_iter`."""


def resolve_max_iter(max_iter, n_samples, *, by_minibatches):
    """Return the largest number of epochs, or of iterations on all rows at once.

    "auto" is what `ROWS_TO_SEE` make, but from 10 to 200.
    """
    if max_iter != "auto":
        return max_iter
    return min(max(ROWS_TO_SEE // n_samples, 10), 200) if by_minibatches else 200


def learning_rate_for_rows(settings, loss):
    """Return `learning_rate_init`, or what None means for a loss.

    The squared error is steeper than the cross-entropy, and sgd follows.
    """
    if settings.learning_rate_init is not None:
        return settings.learning_rate_init
    if settings.solver == "sgd":
        return 0.005 if loss == "cross_entropy" else 0.001
    return 0.003


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
            stacklevel=5 + WRAPPER_FRAMES,
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


def check_layers(layers, depth):
    """Refuse a choice of layers that is none."""
    if isinstance(layers, Integral) and not isinstance(layers, bool):
        valid = 1 <= layers <= depth
    else:
        valid = isinstance(layers, str) and layers in ("last", "all")
    if not valid:
        raise ValueError(
            "layers must be 'last', 'all' or the number of a layer, from 1 to "
            f"{depth}; got {layers!r}."
        )
