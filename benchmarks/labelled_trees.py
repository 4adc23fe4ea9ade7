"""Labelled trees of all kinds, each drawn into trees for training and for a test."""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from function_trees import labelled_functions
from molecule_trees import alkanes, ethers, glycans
from sentence_trees import sentences, word_ratings


class Task(NamedTuple):
    """Trees of tokens, nested tuples, and what is asked of them.

    Attributes
    ----------
    trees_train, trees_test : list of trees
    y_train, y_test : ndarray of shape (n_trees,)
    vectors : dict of str to ndarray of shape (n_features,), or None
        A vector for each token, if tokens have some.
    node_labels_train, node_labels_test : list of lists, or None
        A label for each node of each tree in preorder, None for a missing one.
    """

    trees_train: list
    y_train: np.ndarray
    trees_test: list
    y_test: np.ndarray
    vectors: dict | None = None
    node_labels_train: list | None = None
    node_labels_test: list | None = None


class Data(NamedTuple):
    """All trees of a task; `Task` has the meaning of the columns."""

    trees: list
    y: np.ndarray
    vectors: dict | None = None
    node_labels: list | None = None


class Source(NamedTuple):
    """Where a task comes from, and how it is drawn.

    Attributes
    ----------
    read : callable
        Returns `Data`.
    question : str
    n_train, n_test : int or None
        None: a tenth of the trees, one after the other, is for the test, and the rest
        for training.
    label_first : bool
        Whether the first leaf of a node says what it is.
    child_weights : {"leaves", "equal"}
        What doc/guide_trees.md advises for codes of such trees.
    """

    read: Callable[[], Data]
    question: str
    n_train: int | None = None
    n_test: int | None = None
    label_first: bool = True
    child_weights: str = "leaves"

    @property
    def n_draws(self):
        """Seeds to take the mean of: three, or three times ten parts."""
        return 3 if self.n_test else 30


def of_functions(question):
    trees, y = labelled_functions(question)
    return Data(trees, np.array(y))


def of_answers(read):
    answers = read()
    return Data(list(answers), np.array(list(answers.values())))


def of_sentences(n_classes):
    """Give sentences by their rating, from 0 to 4, or of those but 2 whether above.

    Labels of nodes are those of rated words by themselves, and of the whole sentence.
    """
    answers, vectors = sentences()
    trees = list(answers)
    y = praise(list(answers.values()))
    words = word_ratings()
    of_words = dict(zip(words, praise(list(words.values())).tolist(), strict=True))
    if n_classes == 2:
        trees = [tree for tree, label in zip(trees, y, strict=True) if label != 2]
        y = y[y != 2] > 2
        of_words = {word: label > 2 for word, label in of_words.items() if label != 2}
    labels = [[of_words.get(node) for node in preorder(tree)] for tree in trees]
    for column, label in zip(labels, y.tolist(), strict=True):
        column[0] = label
    return Data(trees, y, vectors, labels)


def praise(ratings):
    """Give the fifth of the range from -4 to 4 that a rating is in, from 0 to 4."""
    return np.ceil((np.array(ratings) + 4) / 8 * 5 - 1e-9).clip(1, 5).astype(int) - 1


def preorder(tree):
    """List the nodes of a tree, a leaf as its token and others as None."""
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            found.append(None)
            waiting.extend(reversed(node))
        else:
            found.append(node)
    return found


SOURCES = {
    "returns": Source(
        partial(of_functions, "returns"),
        "functions: is a value returned?",
        *(12_000, 2500),
        child_weights="equal",
    ),
    "package": Source(
        partial(of_functions, "package"),
        "functions: of which package?",
        *(12_000, 2500),
        child_weights="equal",
    ),
    "sentences5": Source(
        partial(of_sentences, 5), "sentences: how good?", 8500, 2000, label_first=False
    ),
    "sentences2": Source(
        partial(of_sentences, 2), "sentences: good?", 7500, 2000, label_first=False
    ),
    "glycans": Source(
        partial(of_answers, glycans), "glycans: of which kingdom?", 6000, 2000
    ),
    "alkanes": Source(partial(of_answers, alkanes), "alkanes: boiling point"),
    "ethers": Source(partial(of_answers, ethers), "ethers, alcohols: boiling point"),
}
read = cache(lambda name: SOURCES[name].read())


def load(name, seed=0, n_train=None):
    """Return a task.

    Parameters
    ----------
    name : str
        A key of `SOURCES`.
    seed : int, default=0
        Draws which trees are for training and for the test. Of a small set seeds 0 to 9
        are ten parts that each are the test once, and so are 10 to 19.
    n_train : int or None, default=None
        Trees for training, at most; None: as `SOURCES` has it.

    Returns
    -------
    Task
    """
    data, source = read(name), SOURCES[name]
    n_trees = len(data.trees)
    if source.n_test:
        order = np.random.default_rng(seed).permutation(n_trees)
        test, train = np.split(order, [source.n_test])
    else:
        order = np.random.default_rng(seed // 10).permutation(n_trees)
        test = order[seed % 10 :: 10]
        train = np.setdiff1d(order, test)
    train = train[: n_train or source.n_train]

    def of(column, rows):
        return None if column is None else [column[row] for row in rows]

    return Task(
        of(data.trees, train),
        data.y[train],
        of(data.trees, test),
        data.y[test],
        data.vectors,
        of(data.node_labels, train),
        of(data.node_labels, test),
    )
