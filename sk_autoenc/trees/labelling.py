"""Labels of nodes, as users pass them, to one array in the order of a forest."""

from collections.abc import Mapping, Set

import numpy as np


def flatten_node_labels(node_labels, forest):
    """Join the labels of all nodes, tree by tree.

    Parameters
    ----------
    node_labels : sequence of (sequence of label or None)
        One of each tree, in preorder, or None: of that tree no node has a label. A
        label that is None or NaN is missing.
    forest : Forest

    Returns
    -------
    labels : ndarray of shape (n_labelled,)
    nodes : ndarray of int of shape (n_labelled,)
        The nodes that they are of, ascending.

    Raises
    ------
    ValueError
        There are more or fewer labels than nodes or trees, or one is a list; the
        message says where.
    """
    if not is_ordered(node_labels):
        raise ValueError(
            "node_labels must be a list with one list of labels for each tree, got "
            f"{type(node_labels).__name__!r}"
        )
    if len(node_labels) != len(forest):
        raise ValueError(
            f"node_labels has the labels of {len(node_labels)} trees, but X has "
            f"{len(forest)} trees; pass one list of labels for each (or None)."
        )
    parts, nodes = [], []
    for tree, (labels, start, n_nodes) in enumerate(
        zip(
            node_labels,
            forest.tree_start[:-1].tolist(),
            forest.n_nodes.tolist(),
            strict=True,
        )
    ):
        if labels is None:
            continue
        labels = own_labels(labels, tree)
        if len(labels) != n_nodes:
            raise ValueError(
                f"node_labels[{tree}] has {len(labels)} labels, but tree {tree} has "
                f"{n_nodes} nodes; pass one for each node in preorder, None where it "
                "has no label."
            )
        known = np.flatnonzero(~is_missing(labels))
        parts.append(labels[known])
        nodes.append(start + known)
    if not parts:
        return np.empty(0, object), np.empty(0, np.intp)
    return joined(parts), np.concatenate(nodes)


def joined(parts):
    """Join labels of one type: text, or numbers."""
    kinds = {part.dtype.kind for part in parts}
    if kinds == {"U"} or kinds <= set("buif"):
        return np.concatenate(parts)
    values = [label for part in parts for label in part.tolist()]
    are_text = [isinstance(label, str) for label in values]
    if any(are_text) and not all(are_text):
        text, other = are_text.index(True), are_text.index(False)
        raise ValueError(
            f"node_labels mixes text and other labels: {values[text]!r} and "
            f"{values[other]!r}. Convert them to one type."
        )
    return np.asarray(values)


def own_labels(labels, tree):
    """Make an array of one tree's labels."""
    if not is_ordered(labels):
        raise ValueError(
            f"node_labels[{tree}] must be a list of labels or None, got {labels!r}"
        )
    if isinstance(labels, np.ndarray) and labels.dtype != object:
        array = labels
    else:
        array = np.empty(len(labels), object)
        array[:] = list(labels)
    if array.ndim != 1:
        raise ValueError(
            f"node_labels[{tree}] must be a list of single labels, got an array of "
            f"{array.ndim} dimensions"
        )
    if array.dtype == object:
        for node, label in enumerate(array):
            if hasattr(label, "__len__") and not isinstance(label, str | bytes):
                raise ValueError(
                    f"node_labels[{tree}][{node}] must be a single label, or None, got "
                    f"{label!r}"
                )
    return array


def is_ordered(labels):
    """Tell whether labels have a number and an order, and are no text."""
    return hasattr(labels, "__len__") and not isinstance(labels, str | Mapping | Set)


def numbers_of(labels, nodes, forest):
    """Make floats of labels.

    Raises
    ------
    ValueError
        One is not a finite number; the message says where.
    """
    numbers = np.empty(len(labels))
    for place, label in enumerate(labels.tolist()):
        try:
            numbers[place] = float(label)
        except (TypeError, ValueError, OverflowError):
            numbers[place] = np.nan
        if not np.isfinite(numbers[place]):
            tree = forest.tree_start.searchsorted(nodes[place], side="right") - 1
            node = nodes[place] - forest.tree_start[tree]
            raise ValueError(
                f"node_labels[{tree}][{node}] must be a finite number, or None, got "
                f"{label!r}"
            )
    return numbers


def is_missing(labels):
    """Tell which labels are None, NaN or pandas' NA."""
    if labels.dtype.kind == "f":
        return np.isnan(labels)
    if labels.dtype != object:
        return np.zeros(len(labels), bool)
    return np.array([is_missing_label(label) for label in labels], bool)


def is_missing_label(label):
    """Tell whether a label is None or not equal to itself, as NaN, or cannot tell."""
    if label is None:
        return True
    differs = label != label
    return differs is not False and (type(differs).__name__ == "NAType" or differs)
