"""Parameters of networks of rows against each other and against the rows."""

import math
from numbers import Integral, Real

import numpy as np
import scipy.sparse
from sklearn.utils.sparsefuncs import min_max_axis

from sk_autoenc._compat import Interval, StrOptions
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.corruptions import CORRUPTIONS
from sk_autoenc.parts.losses import LOSSES, make_loss
from sk_autoenc.parts.solvers import SOLVERS
from sk_autoenc.validation import (
    AT_LEAST_ONE,
    NON_NEGATIVE,
    POSITIVE,
    TRAINING_CONSTRAINTS,
)

SCALER_ROUNDING = 1e-6
"""MinMaxScaler leaves values such as 1 + 2e-16, which must not change the loss."""

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


def check_sampling(settings, is_sparse):
    """Refuse to evaluate the loss on some features where it does not add up so."""
    ratio, corruption = settings.reconstruction_sampling, settings.corruption
    if ratio is None:
        return
    refused = [
        (
            not is_sparse,
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


def check_tied_weights(settings, fitted):
    """Refuse to go on training with weights tied that were free, or the reverse."""
    if settings.tied_weights != fitted:
        raise ValueError(
            f"tied_weights={settings.tied_weights}, but the model to go on from was "
            f"fitted with tied_weights={fitted}. Set it back, or start afresh: fit "
            "with warm_start=False."
        )


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


def choose_loss(loss, output_activation, values, layout=None, *, is_used=True):
    """Return the names of the loss and the output activation to use.

    Parameters
    ----------
    loss, output_activation : str
        As the user gave them, possibly "auto".
    values : tuple of two floats
        Smallest and largest value of X.
    layout : tuple or None, default=None
        Of groups of features: the arguments of `mixed_groups`.
    is_used : bool, default=True
        Whether values out of the loss's range are refused.
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
    if is_used and not within(values, target_range):
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


def learning_rate_for_rows(settings, loss):
    """Return `learning_rate_init`, or what None means for a loss.

    The squared error is steeper than the cross-entropy, and sgd follows.
    """
    if settings.learning_rate_init is not None:
        return settings.learning_rate_init
    if settings.solver == "sgd":
        return 0.005 if loss == "cross_entropy" else 0.001
    return 0.003


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
