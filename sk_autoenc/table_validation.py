"""Validation for what is made of tables: holes, outliers, codes of columns.

As in `validation`: from what a user passes to what the rest may trust.
"""

from numbers import Integral, Real

import numpy as np

from sk_autoenc._compat import Interval, StrOptions
from sk_autoenc.parts.activations import ACTIVATIONS
from sk_autoenc.parts.outlier_scores import OUTLIER_SCORES
from sk_autoenc.trees.forest import Forest
from sk_autoenc.validation import AT_LEAST_ONE, NON_NEGATIVE, POSITIVE

RECONSTRUCTING = ("reconstruct", "transform", "inverse_transform")

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
        guilty = [
            name
            for name, step in getattr(estimator, "steps", ())
            if step not in (None, "passthrough")
            and not hasattr(step, "inverse_transform")
        ]
        if guilty:
            remedy += f" Steps without inverse_transform: {guilty}."
    else:
        return
    raise ValueError(
        "estimator must be None, or have fit and either reconstruct, as "
        "DenoisingAutoencoder and UnfoldingRAETransformer, or both transform and "
        "inverse_transform, as PCA or a Pipeline of StandardScaler and one of these; "
        f"got {estimator!r}. {remedy}"
    )


def check_no_holes(X, estimator):
    """Refuse missing entries where the model takes none."""
    if np.isnan(X).any():
        raise ValueError(
            f"Input X contains NaN, which {type(estimator).__name__} does not take. "
            "Use estimator=None or a DenoisingAutoencoder, which do, or fill X before."
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
