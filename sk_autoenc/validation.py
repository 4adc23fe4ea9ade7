"""From what a user passes to what the rest may trust; every message a user can see."""

import math
import sys
import warnings
from collections.abc import Iterator, Mapping
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
from sk_autoenc.parts.compositions import COMPOSITIONS
from sk_autoenc.parts.corruptions import CORRUPTIONS
from sk_autoenc.parts.losses import LOSSES, make_loss
from sk_autoenc.parts.outlier_scores import OUTLIER_SCORES
from sk_autoenc.parts.poolings import POOLINGS
from sk_autoenc.parts.solvers import SOLVERS
from sk_autoenc.trees.forest import Forest, is_forest_like
from sk_autoenc.trees.hints import converter_hint
from sk_autoenc.trees.vector_trees import as_nested

SCALER_ROUNDING = 1e-6
"""MinMaxScaler leaves values such as 1 + 2e-16, which must not change the loss."""

RECONSTRUCTING = ("reconstruct", "transform", "inverse_transform")

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

DENOISING_CONSTRAINTS = TRAINING_CONSTRAINTS | {
    "n_components": [AT_LEAST_ONE],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "output_activation": [StrOptions({"auto", *ACTIVATIONS})],
    "loss": [StrOptions({"auto", "mixed", *LOSSES})],
    "tied_weights": ["boolean"],
}

TREE_CONSTRAINTS = TRAINING_CONSTRAINTS | {
    "n_components": [AT_LEAST_ONE, None],
    "encoder_activation": [StrOptions(set(ACTIVATIONS))],
    "decoder_activation": [StrOptions(set(ACTIVATIONS))],
    "unfold_from": [StrOptions({"root", "all"})],
    "normalize": ["boolean"],
    "child_weights": [StrOptions({"equal", "leaves"})],
    "init": [StrOptions({"average", "glorot"})],
    "composition": [StrOptions(set(COMPOSITIONS))],
    "learn_leaves": ["boolean"],
}

LABELLED_TREE_CONSTRAINTS = TREE_CONSTRAINTS | {
    "reconstruction": [Interval(Real, 0, 1, closed="both")],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "class_weight": [dict, StrOptions({"balanced"}), None],
}

LEAF_CONSTRAINTS = {
    "n_features": [AT_LEAST_ONE, None],
    "handle_unknown": [StrOptions({"zeros", "mean", "error", "learn"})],
    "lowercase": ["boolean"],
    "min_count": [AT_LEAST_ONE],
    "random_state": ["random_state"],
}

OUTLIER_CONSTRAINTS = {
    "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
    "outlier_score": [StrOptions({"auto", *OUTLIER_SCORES})],
    "random_state": ["random_state"],
}

TABULAR_CONSTRAINTS = {
    "add_indicator": ["boolean"],
    "random_state": ["random_state"],
}

IMPUTER_CONSTRAINTS = {
    "activation": [StrOptions(set(ACTIVATIONS))],
    "n_estimators": [AT_LEAST_ONE],
    "max_steps": [AT_LEAST_ONE],
    "n_bins": [Interval(Integral, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), AT_LEAST_ONE],
    "learning_rate_init": [POSITIVE],
    "weight_decay": [NON_NEGATIVE],
    "n_imputations": [AT_LEAST_ONE],
    "sample_posterior": ["boolean"],
    "keep_integers": ["boolean"],
    "add_indicator": ["boolean"],
    "keep_empty_features": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
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


def check_same_loss_every_time(settings):
    """Refuse a corruption to a solver that needs one and the same function."""
    if not SOLVERS[settings.solver].by_minibatches and settings.corruption is not None:
        raise ValueError(
            f"solver={settings.solver!r} needs the same loss at every evaluation, but "
            f"corruption={settings.corruption!r} is drawn anew each time. Use "
            "corruption=None, or solver='adam' or 'sgd'."
        )


def check_same_dropout_every_time(settings):
    """Refuse dropout to a solver that needs one fixed objective."""
    if settings.dropout and not SOLVERS[settings.solver].by_minibatches:
        raise ValueError(
            f"dropout={settings.dropout} changes the objective at each step, but "
            f"solver={settings.solver!r} needs it to stay the same. Use dropout=0 or "
            "another solver."
        )


def check_corrupts_given_leaves(settings):
    """Refuse to corrupt leaf vectors that are learned."""
    if settings.learn_leaves and settings.corruption is not None:
        raise ValueError(
            f"corruption={settings.corruption!r} changes the leaf vectors of X, but "
            "with learn_leaves=True others enter in their place. Choose one of the two."
        )


def check_hidden_layer_sizes(sizes):
    """Return the sizes of hidden layers as a tuple; a number is one layer."""
    given = [sizes] if isinstance(sizes, Integral) else sizes
    valid = (
        isinstance(given, list | tuple | np.ndarray)
        and np.ndim(given)
        and all(
            isinstance(size, Integral) and size >= 1 and not isinstance(size, bool)
            for size in given
        )
    )
    if not valid:
        raise ValueError(
            "hidden_layer_sizes must be a tuple of whole numbers >= 1, such as "
            f"(128, 128), the units of each hidden layer; got {sizes!r}."
        )
    return tuple(int(size) for size in given)


def check_hidden_fraction(fraction):
    """Return the bounds of the share of entries that is hidden, as two floats."""
    is_pair = isinstance(fraction, list | tuple | np.ndarray) and np.ndim(fraction) == 1
    pair = fraction if is_pair else [fraction] * 2
    valid = len(pair) == 2 and all(isinstance(share, Real) for share in pair)
    if not valid or not 0 <= pair[0] <= pair[1] <= 1 or pair[1] == 0:
        raise ValueError(
            "hidden_fraction must be two numbers (low, high) with 0 <= low <= high <= "
            "1 and high > 0: the share of a training row's entries that is hidden is "
            f"drawn between them; got {fraction!r}."
        )
    return float(pair[0]), float(pair[1])


def check_names_of_indicator(names):
    """Refuse columns that have the name of another's indicator."""
    taken = [f"missingindicator_{name}" for name in names]
    both = sorted(set(taken) & set(names))
    if both:
        raise ValueError(
            f"X has columns named {both}, which add_indicator=True would name its own. "
            "Rename them, or use add_indicator=False."
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


def check_bounds(min_value, max_value, n_features):
    """Return the smallest and the largest value allowed in each column."""
    bounds = []
    for name, value, none in (
        ("min_value", min_value, -np.inf),
        ("max_value", max_value, np.inf),
    ):
        value = none if value is None else value
        try:
            array = np.broadcast_to(np.asarray(value, np.float64), (n_features,))
        except (TypeError, ValueError):
            array = np.array([np.nan])
        if np.isnan(array).any():
            raise ValueError(
                f"{name} must be a number, one for each of the {n_features} columns of "
                f"X, or None; got {value!r}."
            )
        bounds.append(array)
    if not (bounds[0] < bounds[1]).all():
        raise ValueError(
            f"min_value must be less than max_value in every column; got {min_value!r} "
            f"and {max_value!r}."
        )
    return bounds


def check_pooling(pooling):
    """Refuse what is not a pooling's name, or a tuple of such names."""
    names = [pooling] if isinstance(pooling, str) else pooling
    known = ", ".join(map(repr, POOLINGS))
    if (
        not isinstance(names, list | tuple)
        or not names
        or any(name not in list(POOLINGS) for name in names)
        or len(set(names)) < len(names)
    ):
        raise ValueError(
            f"pooling must be one of {known}, or a tuple of different ones of them; "
            f"got {pooling!r}."
        )


def check_n_components(settings, fitted):
    """Refuse to go on training with another number of components than fitted."""
    if settings.n_components not in (None, fitted):
        raise ValueError(
            f"n_components={settings.n_components}, but the model to go on from has "
            f"{fitted}. Set it back, or start afresh: fit with warm_start=False."
        )


def check_unchanged(name, value, fitted):
    """Refuse to go on training with another value of a parameter that sizes hang on."""
    if value != fitted:
        raise ValueError(
            f"{name}={value!r}, but the model to go on from was fitted with "
            f"{name}={fitted!r}. Set it back, or start afresh: a new estimator, or fit "
            "with warm_start=False."
        )


def check_tied_weights(settings, fitted):
    """Refuse to go on training with weights tied that were free, or the reverse."""
    if settings.tied_weights != fitted:
        raise ValueError(
            f"tied_weights={settings.tied_weights}, but the model to go on from was "
            f"fitted with tied_weights={fitted}. Set it back, or start afresh: fit "
            "with warm_start=False."
        )


def check_reconstructs(estimator):
    """Refuse an estimator that cannot give back what it was given."""
    if estimator is None:
        return
    can = {name: hasattr(estimator, name) for name in RECONSTRUCTING}
    there_and_back = can["transform"] and can["inverse_transform"]
    if isinstance(estimator, type):
        remedy = f"Pass an instance, {estimator.__name__}(...), not the class."
    elif not hasattr(estimator, "fit"):
        remedy = "It has no fit."
    elif not can["reconstruct"] and not there_and_back:
        missing = [name for name in RECONSTRUCTING if not can[name]]
        remedy = f"It has no {', no '.join(missing)}: take a model that has."
    else:
        return
    raise ValueError(
        "estimator must be None, or have fit and either reconstruct, as "
        "DenoisingAutoencoder and UnfoldingRAETransformer, or both transform and "
        "inverse_transform, as PCA or a Pipeline of StandardScaler and one of these; "
        f"got {estimator!r}. {remedy}"
    )


def check_reconstruction(reconstruction, vectors, model):
    """Refuse a reconstruction of another shape than what it is of."""
    if reconstruction.shape != vectors.shape:
        raise ValueError(
            f"{type(model).__name__} made an array of shape {reconstruction.shape} of "
            f"one of shape {vectors.shape}; a reconstruction has the shape of X."
        )


def check_rows_only(X):
    """Refuse trees where there is no estimator of trees; return the rows."""
    if isinstance(X, Forest):
        raise ValueError(
            "X holds trees, and estimator=None is a model of rows. Pass an estimator "
            "of trees, such as UnfoldingRAETransformer()."
        )
    return X


def check_takes_groups(autoencoder):
    """Refuse a model that cannot be told which features come from one column."""
    if autoencoder is None:
        return
    if isinstance(autoencoder, type):
        problem = f"Pass an instance, {autoencoder.__name__}(...), not the class."
    elif not hasattr(autoencoder, "get_params"):
        problem = "It is no estimator."
    elif "feature_groups" not in autoencoder.get_params(deep=False):
        problem = "It has no parameter feature_groups."
    else:
        return
    raise ValueError(
        "autoencoder must be None or an estimator with the parameter feature_groups, "
        f"such as DenoisingAutoencoder(100); got {autoencoder!r}. {problem}"
    )


def check_encoder(name, encoder):
    """Refuse what is no transformer."""
    needed = "get_params", "fit_transform", "transform"
    if isinstance(encoder, type) or not all(hasattr(encoder, one) for one in needed):
        raise ValueError(
            f"{name} must be a transformer, such as StandardScaler(); got {encoder!r}."
        )


def check_column_encoders(column_encoders):
    """Return `column_encoders`, {} for None."""
    if column_encoders is None:
        return {}
    if not isinstance(column_encoders, dict):
        raise ValueError(
            "column_encoders must be a dict of names or numbers of columns and their "
            f"transformers, or None; got {column_encoders!r}."
        )
    for key, encoder in column_encoders.items():
        check_encoder(f"column_encoders[{key!r}]", encoder)
    return column_encoders


def places_of(column_encoders, names):
    """Return the values by the places of their columns."""
    places = {}
    for key, encoder in column_encoders.items():
        is_number = isinstance(key, Integral) and not isinstance(key, bool)
        if key in names:
            place = names.index(key)
        elif is_number and 0 <= key < len(names):
            place = int(key)
        else:
            raise ValueError(
                f"column_encoders has the key {key!r}, which is neither a name of a "
                f"column of X nor a number from 0 to {len(names) - 1}. The columns are "
                f"{names}."
            )
        if place in places:
            raise ValueError(
                f"column_encoders has two keys for the column {names[place]!r}. Keep "
                "one of them."
            )
        places[place] = encoder
    return places


def check_something_to_compare(X):
    """Refuse training rows of which no two can be compared."""
    if len(X) < 2:
        raise ValueError(
            "n_samples=1: what is usual shows in several rows; pass at least 2."
        )
    if isinstance(X, np.ndarray) and np.isnan(X).all():
        raise ValueError(
            "Every entry of X is missing (NaN): there is nothing to learn from. Pass "
            "rows with some observed entries."
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


def check_trees(estimator, X, *, reset, name="X"):
    """Return trees, or the rows of a 2-D array as trees ``(x,)``, as a Forest.

    `name` is what the user calls them.
    """
    if not is_forest_like(X):
        try:
            rows = check_X(estimator, X, reset=reset, accept_sparse=False)
        except (TypeError, ValueError) as error:
            hint = tree_hint(X)
            if hint is None:
                raise
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{error}\nIf X holds trees: {hint}") from error
        return Forest.from_rows(rows)
    forest = Forest.from_nested(as_nested(X))
    if len(forest) == 0:
        raise ValueError("X is a Forest of 0 trees, while at least 1 is required.")
    if reset:
        estimator.n_features_in_ = forest.n_features
    elif forest.n_features != estimator.n_features_in_:
        raise ValueError(
            f"{name} has {forest.n_features} features, but "
            f"{type(estimator).__name__} is expecting {estimator.n_features_in_} "
            "features as input (the length of a leaf vector)."
        )
    return forest


def tree_hint(X):
    """Say how trees are passed, if X may be a wrong way of doing it, or return None."""
    if isinstance(X, Mapping) and any(isinstance(tree, tuple) for tree in X.values()):
        return "pass a list of them, such as list(X.values())."
    converter = converter_hint(X)
    if converter is not None:
        return converter
    if isinstance(X, list | tuple) and any(
        isinstance(tree, str) or (isinstance(tree, tuple) and holds_strings(tree))
        for tree in X
    ):
        return (
            "their leaves must be vectors of numbers of one length; LeafVectorizer "
            "makes them of words and names: make_pipeline(LeafVectorizer(), ...)."
        )
    if isinstance(X, list | tuple):
        return (
            "it is a list of them, and an inner node is a tuple; write (a, b), not "
            "[a, b]."
        )
    if isinstance(X, np.ndarray) and (X.dtype == object or X.ndim > 2):
        return "numpy took their tuples apart; pass the list of trees itself."
    if isinstance(X, Iterator):
        return "pass a list of them, which can be gone through again."
    if hasattr(X, "columns"):
        return "pass the column they are in, such as X['tree'], not a data frame."
    return None


def holds_strings(tree):
    """Tell whether a string is among the children at the top of a tree."""
    return any(isinstance(child, str) for child in tuple.__iter__(tree))


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


def learning_rate_for_trees(settings, forest):
    """Return `learning_rate_init`, or what None means for a forest.

    A tree's gradient grows with the number and the scale of its leaves, and sgd's rate
    is the smaller: 0.01 over the mean loss of trees reconstructed as zeros.
    """
    if settings.learning_rate_init is not None:
        return settings.learning_rate_init
    if settings.solver == "sgd":
        table = forest.leaf_table
        norms = np.einsum("ij,ij->i", table, table, dtype=np.float64)
        loss = norms[forest.leaf_row[forest.leaves]].sum() / (2 * len(forest))
        return 0.01 / max(float(loss), 1.0)
    return 0.005


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
