"""Labelled trees of all kinds, each drawn into trees for training and for a test.

    from labelled_trees import load
    task = load("returns", seed=0)
"""

from typing import Any, NamedTuple

import numpy as np
from function_trees import labelled_functions


class Task(NamedTuple):
    """Trees of tokens, nested tuples, and what is asked of them.

    Attributes
    ----------
    trees_train, trees_test : list of trees
    y_train, y_test : ndarray of shape (n_trees,)
    vectors : dict of str to ndarray or None
        A vector for each token, if there are some: else one-hot.
    node_labels_train, node_labels_test : list of lists or None
        A label for each node of a tree in preorder, None for a missing one.
    """

    trees_train: list
    y_train: np.ndarray
    trees_test: list
    y_test: np.ndarray
    vectors: dict | None = None
    node_labels_train: list | None = None
    node_labels_test: list | None = None


def of_functions(question):
    trees, y = labelled_functions(question)
    return {"trees": trees, "y": np.array(y), "n_test": 2500}


TASKS = {
    "returns": lambda: of_functions("returns"),
    "package": lambda: of_functions("package"),
}


def load(name, seed=0):
    """Return a task.

    Parameters
    ----------
    name : str
        A key of `TASKS`.
    seed : int, default=0
        Draws which trees are for the test.
    """
    data: dict[str, Any] = TASKS[name]()
    order = np.random.default_rng(seed).permutation(len(data["trees"]))
    test, train = order[: data["n_test"]], order[data["n_test"] :]
    labels = data.get("node_labels")

    def of(column, rows):
        return None if column is None else [column[row] for row in rows]

    return Task(
        of(data["trees"], train),
        data["y"][train],
        of(data["trees"], test),
        data["y"][test],
        data.get("vectors"),
        of(labels, train),
        of(labels, test),
    )
