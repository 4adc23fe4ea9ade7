"""Validation of what supervised estimators are taught: y, class weights, classes.

As in `validation`: from what a user passes to what the rest may trust. `what` is the
name of a sample in messages, such as "tree" or "row".
"""

import warnings
from numbers import Real
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from sk_autoenc._typing import FloatArray, IntArray
from sk_autoenc.array_validation import refuse_other_arrays
from sk_autoenc.trees.labelling import is_missing_label, is_ordered
from sk_autoenc.trees.leaves import all_finite
from sk_autoenc.validation import caller_level, count_held_out


def check_classes(
    estimator: Any, y: Any, X: Any, *, what: str = "row", remedy: str = ""
) -> NDArray[Any]:
    """Return the class of each sample of X, (n_samples,).

    `remedy` ends the message about a class that is missing: what else the samples
    without one are good for.
    """
    refuse_missing(y, what, remedy)
    y = one_for_each(estimator, y, X, dtype=None, what=what)
    check_classification_targets(y)
    return column_or_1d(y, warn=True)


def check_numbers(
    estimator: Any, y: Any, X: Any, *, what: str = "row"
) -> NDArray[np.float64]:
    """Return the numbers of each sample of X, (n_samples,) or (n_samples, n_outputs).

    They are float64.
    """
    return one_for_each(estimator, y, X, dtype=np.float64, what=what)


def one_for_each(
    estimator: Any,
    y: Any,
    X: Any,
    *,
    dtype: Any,
    what: str,
    ensure_all_finite: bool | str = True,
) -> NDArray[Any]:
    """Return y as an array, one row for each sample of X."""
    refuse_other_arrays(y, "y")
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is "
            "None"
        )
    try:
        y = check_array(
            y,
            ensure_2d=False,
            dtype=dtype,
            input_name="y",
            ensure_all_finite=ensure_all_finite,
        )
    except ValueError:
        if dtype is not None and is_ordered(y):
            refuse_no_number(y, what, allow_nan=ensure_all_finite == "allow-nan")
        raise
    if y.ndim > 2:
        raise ValueError(f"y must have one or two dimensions, got {y.ndim}")
    check_consistent_length(X, y)
    return y


def refuse_missing(y: Any, what: str, remedy: str) -> None:
    """Refuse a list, an array or a series in which some classes are missing."""
    dtype = getattr(y, "dtype", None)
    if dtype is None and not isinstance(y, list | tuple):
        return
    if isinstance(dtype, np.dtype) and dtype.kind not in "Of":
        return
    for place, label in enumerate(y):
        is_na = type(label).__name__ == "NAType"  # of pandas
        may_miss = is_na or isinstance(label, float | np.floating | None)
        if may_miss and is_missing_label(label):
            raise ValueError(
                f"Input y contains NaN or None: y[{place}] is {label!r}. Each {what} "
                f"needs a class. Fit without the {what}s that have none{remedy}."
            )


def refuse_no_number(y: Any, what: str, allow_nan: bool = False) -> None:
    """Refuse the first of the numbers, or rows of them, that is not finite."""
    for place, number in enumerate(np.atleast_1d(np.asarray(y, dtype=object))):
        try:
            numbers = np.asarray(number, dtype=np.float64)
            if allow_nan:
                numbers = np.where(np.isnan(numbers), 0.0, numbers)
            is_finite = all_finite(numbers)
        except (TypeError, ValueError, OverflowError):
            is_finite = False
        if not is_finite:
            raise ValueError(
                f"y[{place}] must be a finite number, or a row of them, got "
                f"{number!r:.80}. Fit without the {what}s that have none."
            )


def one_hot(y: NDArray[Any], classes: NDArray[Any]) -> FloatArray:
    """Return a row for each label, 1 at the place of its class, (n, n_classes).

    `classes` are sorted, and every label is among them.
    """
    return np.eye(len(classes))[classes.searchsorted(y)]


def weights_of_classes(
    class_weight: Any, classes: NDArray[Any], places: IntArray
) -> FloatArray | None:
    """Return what a label of each class counts, (n_classes,). None: 1.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        A class that the dict lacks counts 1.
    classes : ndarray of shape (n_classes,)
    places : ndarray of int of shape (n_samples,)
        Which of these the class of each sample is. "balanced" weights are of these; a
        class that none of them has counts 1.
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, dict):
        refuse_weights(class_weight, classes)
        known = [class_weight.get(label, 1.0) for label in classes.tolist()]
        return np.array(known, dtype=np.float64)
    weights, present = np.ones(len(classes)), np.unique(places)
    weights[present] = compute_class_weight(class_weight, classes=present, y=places)
    return weights


def refuse_weights(class_weight: dict[Any, Any], classes: NDArray[Any]) -> None:
    """Refuse weights that are not finite numbers of 0 or more, or of no class.

    A class that y happens to lack may have one, but not a string among numbers.
    """
    are_strings = isinstance(classes.tolist()[0], str)
    for label, weight in class_weight.items():
        if isinstance(label, str) != are_strings:
            raise ValueError(
                f"class_weight[{label!r}] is of no class: those of y are "
                f"{classes.tolist()}, and its keys must be of their type."
            )
        if not isinstance(weight, Real) or not 0 <= float(weight) < np.inf:
            raise ValueError(
                f"class_weight[{label!r}] must be a finite number of 0 or more, got "
                f"{weight!r}"
            )


def refuse_new_classes(
    classes: NDArray[Any], labels: NDArray[Any], where: str = "y"
) -> None:
    """Refuse classes that a model to go on with does not know."""
    new = np.setdiff1d(labels, classes)
    if len(new):
        raise ValueError(
            f"warm_start=True goes on with classes {classes.tolist()}, but {where} "
            f"has {new.tolist()}. Fit with warm_start=False."
        )


def refuse_other_outputs(y: NDArray[Any], n_outputs: int) -> None:
    """Refuse numbers of which the model to go on with has more or fewer."""
    if y.shape[1] != n_outputs:
        raise ValueError(
            f"warm_start=True goes on with {n_outputs} outputs, but y has "
            f"{y.shape[1]} columns. Fit with warm_start=False."
        )


def comparable(labels: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Return labels of nodes, which can be compared with those of trees, in their type.

    Whole floats are integers with holes, as pandas writes them.
    """
    if not len(labels):
        return np.empty(0, y.dtype)
    is_text, also = (set(map(type, a.tolist())) <= {str} for a in (y, labels))
    if is_text != also:
        raise ValueError(
            f"node_labels are classes like those of y: got {labels.tolist()[0]!r} "
            f"beside {y.tolist()[0]!r}. Convert one of them, as by "
            "[str(label) for label in y]."
        )
    if labels.dtype.kind == "f":
        check_classification_targets(labels)
        if y.dtype.kind in "iu":
            return labels.astype(y.dtype)
    return labels


def mean_and_scale(y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation, 1 for 0, of each column.

    By a power of 2 all are brought to about 1, so that no square overflows or vanishes.
    """
    _, exponent = np.frexp(np.abs(y).max(axis=0))
    y = np.ldexp(y, -exponent)
    scale = np.ldexp(y.std(axis=0), exponent)
    return np.ldexp(y.mean(axis=0), exponent), np.where(scale == 0, 1.0, scale)


def check_some_classes(
    estimator: Any,
    y: Any,
    X: Any,
    unlabelled: int,
    known: NDArray[Any] | None = None,
) -> tuple[IntArray, NDArray[Any]]:
    """Return which samples of X have a class, and their classes.

    In an array of objects, strings may stand beside `unlabelled`. With a single number
    beside it `unlabelled` is a class itself; `known` are the classes of a model that
    goes on, which has settled that.
    """
    refuse_missing(y, "row", f", or give them y={unlabelled}: without a label")
    y = one_for_each(estimator, y, X, dtype=None, what="row")
    y = column_or_1d(y, warn=True)
    is_labelled = np.ones(len(y), bool)
    if y.dtype.kind in "US":
        refuse_mark_among_strings(y, unlabelled)
    else:
        is_labelled = np.asarray(y != unlabelled, bool)
    labelled = np.flatnonzero(is_labelled)
    if known is None:
        classes = set(y[labelled].tolist())
        is_class = len(classes) == 1 and not isinstance(classes.pop(), str)
    else:
        is_class = unlabelled in known.tolist()
    if is_class:
        labelled = np.arange(len(y))
    check_labelled(labelled, y, f"y={unlabelled}")
    y = y[labelled]
    if y.dtype.kind == "O":
        y = np.array(of_one_kind(y.tolist()))
    check_classification_targets(y)
    return labelled, y


def of_one_kind(labels: list[Any]) -> list[Any]:
    """Return classes; refuse strings beside others, of which numpy makes strings."""
    others = [label for label in labels if not isinstance(label, str)]
    if others and len(others) < len(labels):
        text = next(label for label in labels if isinstance(label, str))
        raise ValueError(
            "y must hold classes of one kind, all strings or all numbers; got "
            f"{text!r} beside {others[0]!r}. Convert them, as by [str(label) for label "
            "in y]."
        )
    return labels


def refuse_mark_among_strings(y: NDArray[Any], unlabelled: int) -> None:
    """Refuse the string of `unlabelled` beside two classes or more.

    It is what numpy makes of the number in a list of strings.
    """
    classes = np.unique(y.astype(str))
    if len(classes) > 2 and str(unlabelled) in classes:
        raise ValueError(
            f"y holds strings, and '{unlabelled}' is one of them. Rows without a label "
            f"have the number {unlabelled}, which stays one beside strings only in an "
            "array of objects: np.array(labels, dtype=object)."
        )


def check_some_numbers(
    estimator: Any, y: Any, X: Any
) -> tuple[IntArray, NDArray[np.float64]]:
    """Return which samples of X have numbers, none of them NaN, and these.

    They are float64, (n_labelled,) or (n_labelled, n_outputs).
    """
    y = one_for_each(
        estimator, y, X, dtype=np.float64, what="row", ensure_all_finite="allow-nan"
    )
    has_numbers = ~np.isnan(y)
    labelled = np.flatnonzero(has_numbers if y.ndim == 1 else has_numbers.all(axis=1))
    check_labelled(labelled, y, "y=NaN")
    return labelled, y[labelled]


def check_labelled(labelled: IntArray, y: NDArray[Any], unlabelled: str) -> None:
    """Refuse rows of which none has a label."""
    if not len(labelled):
        raise ValueError(
            f"None of the {len(y)} rows has a label: all have {unlabelled}. Label "
            "some, or learn codes without labels, by StackedDenoisingAutoencoder."
        )


def warn_of_few_held_out(
    settings: SimpleNamespace, n_labelled: int, n_classes: int
) -> None:
    """Warn if early stopping judges by fewer rows than there are classes."""
    if not settings.early_stopping or settings.solver == "lbfgs":
        return
    n_held_out = count_held_out(n_labelled, settings.validation_fraction)
    if n_held_out < n_classes:
        warnings.warn(
            f"early_stopping=True holds out {n_held_out} of {n_labelled} rows with "
            f"labels: too few to judge {n_classes} classes by, and missing in "
            "training. Use early_stopping=False.",
            UserWarning,
            stacklevel=caller_level(),
        )
