"""What estimators of trees are worth where trees have labels, beside simpler ways.

    python benchmarks/bench_tree_learning.py [--task NAME ...] [--method NAME ...]
        [--seeds N] [--quick] [--jobs N] [--save FILE]

Prints Markdown tables: accuracy (and the mean over the classes of each one's accuracy,
where their sizes differ much), or the root mean squared error, on trees for a test;
the mean over draws of trees for training and for the test. Then the seconds of fitting,
features and the choice of settings included. Settings are chosen on trees for training
alone. Needs the network once, for data of packages of the index, which are kept in
data/.

- functions of Python's standard library, as syntax trees: which of ten packages are
  they from; or, when the returns are hidden, do they return a value?
- sentences of film reviews: how much do they praise, in five classes or two?
- glycans, which are trees of sugars: of which kingdom of life are they?
- boiling points of alkanes, and of ethers and alcohols, in degrees.

`labelled_trees` has the data, and `tree_features` the simpler ways:

- leaves: a bag of them. The type of a node is a leaf, too.
- pairs: that, and pairs of the types of a node and of its child; of words, each with
  the next.
- subtrees: SubtreeCounts(), the transformer. These three are logarithms of one plus the
  counts, of what at least two trees have; before ridge regression the counts.
- vectors: the mean of the vectors of the words.
- codes: of the root, by UnfoldingRAETransformer without labels, and child_weights as
  the guide advises. For boiling points, the sum of all codes.
- logistic and ridge regression, support vectors, a forest of 200 trees, and gradient
  boosting.
"""

import argparse
import json
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from labelled_trees import SOURCES, Source, load
from side_by_side import print_table
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tree_features import (
    Bags,
    Frequent,
    boosting,
    labels,
    logistic,
    mean_of_leaves,
    neighbours,
    number,
    pairs_below,
    random_forest,
    ridge,
    support_vectors,
)

from sk_autoenc import (
    LeafVectorizer,
    RecursiveClassifier,
    RecursiveRegressor,
    SubtreeCounts,
    UnfoldingRAETransformer,
)

UNBALANCED = ("package", "sentences5", "glycans")
QUICK = 1000
"""Trees for training with `--quick`."""


class Setting(NamedTuple):
    """What a method may know of a task before it sees trees."""

    source: Source
    vectors: dict | None
    is_number: bool
    seed: int

    def bags(self, *kinds, min_count=2):
        """Return what counts leaves, pairs or both."""
        of_two = pairs_below if self.source.label_first else neighbours
        functions = {"leaves": labels, "pairs": of_two}
        return make_pipeline(
            Bags(tuple(functions[kind] for kind in kinds)),
            DictVectorizer(dtype=np.float32),
            Frequent(min_count, log=not self.is_number),
        )

    def subtrees(self):
        """Return what counts subtrees."""
        inner = "first_leaf" if self.source.label_first else "one"
        return make_pipeline(
            LeafVectorizer(number, dtype="float64"),
            SubtreeCounts(inner_labels=inner),
            Frequent(2, log=not self.is_number),
        )

    def codes(self):
        """Return what makes codes without labels."""
        model = UnfoldingRAETransformer(
            None if self.vectors else 64,
            child_weights=self.source.child_weights,
            pooling="sum" if self.is_number else "root",
            random_state=self.seed,
        )
        return make_pipeline(self.leaf_vectors(), model, StandardScaler())

    def leaf_vectors(self):
        """Return what puts vectors on the leaves."""
        return LeafVectorizer(self.vectors or "one_hot")

    def recursive(self, **settings):
        """Return what learns codes from the labels."""
        kind = RecursiveRegressor if self.is_number else RecursiveClassifier
        return kind(random_state=self.seed, **settings)

    def linear(self):
        """Return the linear model."""
        return ridge() if self.is_number else logistic()


class Method(NamedTuple):
    """A way to learn from labelled trees.

    Attributes
    ----------
    make : callable
        From a `Setting` to an estimator that takes lists of nested tuples.
    fits : callable
        Tells whether it is one for a `Setting`.
    takes_node_labels : bool
    """

    make: Callable[[Setting], Any]
    fits: Callable[[Setting], bool] = lambda setting: True
    takes_node_labels: bool = False


def has_vectors(setting):
    return setting.vectors is not None


def is_number(setting):
    return setting.is_number


def is_class(setting):
    return not setting.is_number


def linear(*kinds):
    """Return a linear model of bags."""
    return Method(lambda s: make_pipeline(s.bags(*kinds), s.linear()))


def on_vectors(make, **columns):
    """Return an estimator of trees whose leaves are vectors.

    Parameters
    ----------
    make : callable
        From a `Setting` to it.
    **columns
        Of `Method`.
    """
    return Method(lambda s: make_pipeline(s.leaf_vectors(), make(s)), **columns)


METHODS = {
    "most frequent class, or mean": Method(
        lambda s: DummyRegressor() if s.is_number else DummyClassifier()
    ),
    "leaves, linear": linear("leaves"),
    "pairs, linear": linear("leaves", "pairs"),
    "leaves and pairs, forest": Method(
        lambda s: make_pipeline(
            s.bags("leaves", "pairs", min_count=3), random_forest(s.is_number, s.seed)
        )
    ),
    "leaves and pairs, boosting": Method(
        lambda s: make_pipeline(
            s.bags("leaves", "pairs", min_count=30), boosting(s.is_number, s.seed)
        )
    ),
    "subtrees, linear": Method(lambda s: make_pipeline(s.subtrees(), s.linear())),
    "vectors, linear": on_vectors(
        lambda s: make_pipeline(
            FunctionTransformer(mean_of_leaves), StandardScaler(), s.linear()
        ),
        fits=has_vectors,
    ),
    "codes, linear": Method(lambda s: make_pipeline(s.codes(), s.linear()), is_class),
    "codes and subtrees, linear": Method(
        lambda s: make_pipeline(make_union(s.codes(), s.subtrees()), s.linear())
    ),
    "codes, support vectors": Method(
        lambda s: make_pipeline(s.codes(), support_vectors()), is_number
    ),
    "leaves, support vectors": Method(
        lambda s: make_pipeline(
            s.bags("leaves"), StandardScaler(with_mean=False), support_vectors()
        ),
        is_number,
    ),
}


def with_subtrees(setting):
    """Return the mean of the probabilities of counts and of codes from the labels."""
    recursive = setting.recursive(**CHOSEN[has_vectors(setting)])
    models = {
        "subtrees": make_pipeline(setting.subtrees(), setting.linear()),
        "recursive": make_pipeline(setting.leaf_vectors(), recursive),
    }
    return VotingClassifier([*models.items()], voting="soft")


CHOSEN = {False: {"pooling": ("root", "mean", "max")}, True: {"dropout": 0.5}}
"""Of `RecursiveClassifier`, by whether leaves have vectors: what was best on held-out
training trees of one draw of "package" and of "sentences2"."""
METHODS |= {
    "recursive": on_vectors(lambda s: s.recursive()),
    "recursive, several poolings": on_vectors(
        lambda s: s.recursive(**CHOSEN[False]),
        fits=lambda s: not s.is_number and not has_vectors(s),
    ),
    "recursive, dropout 0.5": on_vectors(
        lambda s: s.recursive(**CHOSEN[True]), fits=has_vectors
    ),
    "recursive, labels of nodes": on_vectors(
        lambda s: s.recursive(**CHOSEN[True]), fits=has_vectors, takes_node_labels=True
    ),
    "recursive, leaves as given": on_vectors(
        lambda s: s.recursive(learn_leaves=False, **CHOSEN[has_vectors(s)]),
        fits=is_class,
    ),
    "recursive and subtrees, their mean": Method(with_subtrees, is_class),
}


def measure(name, method, seed, n_train=None):
    """Return what a method is worth on one draw of a task, and seconds of fitting."""
    warnings.simplefilter("ignore")
    task = load(name, seed, n_train)
    is_number = task.y_train.dtype.kind == "f"
    setting = Setting(SOURCES[name], task.vectors, is_number, seed)
    if not METHODS[method].fits(setting):
        return None
    model = METHODS[method].make(setting)
    labels = {}
    if METHODS[method].takes_node_labels:
        labels = {f"{model.steps[-1][0]}__node_labels": task.node_labels_train}
    began = time.perf_counter()
    model.fit(task.trees_train, task.y_train, **labels)
    seconds = time.perf_counter() - began
    guess = model.predict(task.trees_test)
    if is_number:
        worth = {"squared": float(np.mean((guess - task.y_test) ** 2))}
    else:
        worth = {
            "accuracy": accuracy_score(task.y_test, guess),
            "balanced": balanced_accuracy_score(task.y_test, guess),
        }
    return {"task": name, "method": method, "seed": seed, "seconds": seconds, **worth}


FEW = (500, 1000, 2000)
FEW_TASKS = ("sentences2", "returns")


def few_labels(n_seeds):
    """Print what unfolding all trees first is worth where few have labels."""
    warnings.simplefilter("ignore")
    rows = []
    for name in FEW_TASKS:
        results = defaultdict(list)
        for seed in range(n_seeds):
            task = load(name, seed)
            setting = Setting(SOURCES[name], task.vectors, False, seed)
            leaves = setting.leaf_vectors().fit(task.trees_train)
            trees, test = map(leaves.transform, (task.trees_train, task.trees_test))
            unfolding = UnfoldingRAETransformer(
                None if task.vectors else 64, composition="gated", random_state=seed
            ).fit(trees)
            settings = {"dropout": 0.5} if task.vectors else {}
            for n in FEW:
                for start in ("glorot", unfolding):
                    model = setting.recursive(init=start, **settings)
                    model.fit(trees[:n], task.y_train[:n])
                    results[n, start == "glorot"].append(model.score(test, task.y_test))
                bag = make_pipeline(
                    setting.bags("leaves") if task.vectors else setting.subtrees(),
                    setting.linear(),
                )
                bag.fit(task.trees_train[:n], task.y_train[:n])
                guess = bag.predict(task.trees_test)
                results[n, "bag"].append(accuracy_score(task.y_test, guess))
        for n in FEW:
            rows.append(
                (
                    f"{SOURCES[name].question} {n} labels",
                    *(f"{np.mean(results[n, k]):.3f}" for k in ("bag", True, False)),
                )
            )
    print_table(
        ("accuracy", "leaves or subtrees, linear", "recursive", "unfolded before"), rows
    )


def words_of(runs, name):
    """Word what a method is worth: the mean over its runs."""
    if not runs:
        return ""
    if "squared" in runs[0]:
        return f"{np.sqrt(mean_of(runs, 'squared')):.1f}"
    words = f"{mean_of(runs, 'accuracy'):.3f}"
    if name in UNBALANCED:
        words += f" / {mean_of(runs, 'balanced'):.3f}"
    return words


def seconds_of(runs, name):
    return f"{mean_of(runs, 'seconds'):.1f}" if runs else ""


def mean_of(runs, kind):
    return np.mean([run[kind] for run in runs])


def report(results, names, methods):
    """Print the tables."""
    runs = defaultdict(list)
    for result in results:
        runs[result["task"], result["method"]].append(result)
    for of_numbers, title in ((False, "accuracy"), (True, "root mean squared error")):
        of_kind = [n for n in names if (SOURCES[n].n_test is None) == of_numbers]
        shown = [m for m in methods if any(runs[n, m] for n in of_kind)]
        for word in (words_of, seconds_of):
            if shown:
                head = title if word is words_of else "seconds of fitting"
                print_table(
                    (head, *(SOURCES[n].question for n in of_kind)),
                    [(m, *(word(runs[n, m], n) for n in of_kind)) for m in shown],
                )


def measured_before(path):
    """Return the results of a file, if there is one."""
    if path is None or not Path(path).exists():
        return []
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", nargs="+", default=list(SOURCES), choices=SOURCES)
    parser.add_argument("--method", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--seeds", type=int, help="draws of each task, at most")
    parser.add_argument("--quick", action="store_true", help="one draw, few trees")
    parser.add_argument("--few", action="store_true", help="few labels, that table")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--save", help="a file of results: what it has is not measured again"
    )
    arguments = parser.parse_args()
    if arguments.quick and arguments.save:
        parser.error("--quick is no measurement to --save")
    if arguments.few:
        few_labels(arguments.seeds or 3)
        return
    most = 1 if arguments.quick else arguments.seeds
    results = measured_before(arguments.save)
    done = {(r["task"], r["method"], r["seed"]) for r in results}
    runs = [
        (name, method, seed)
        for name in arguments.task
        for seed in range(min(most or SOURCES[name].n_draws, SOURCES[name].n_draws))
        for method in arguments.method
        if (name, method, seed) not in done
    ]
    n_train = QUICK if arguments.quick else None
    for name in arguments.task:
        load(name)  # fetched once, not by each job
    for result in Parallel(arguments.jobs, batch_size=1, return_as="generator")(
        delayed(measure)(*run, n_train) for run in runs
    ):
        if result is None:
            continue
        results.append(result)
        if arguments.save:  # as it comes: it takes long
            with open(arguments.save, "a") as file:
                file.write(json.dumps(result) + "\n")
    report(results, arguments.task, arguments.method)


if __name__ == "__main__":
    main()
