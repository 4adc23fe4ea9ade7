"""
Which package is a function from?
=================================

The functions of six packages of Python's standard library become syntax trees, and four
models tell from the tree alone which package a function is from. Names and values are
left out: what remains is how a function is written.

- A bag counts the types of the nodes, and knows nothing of the shape.
- `SubtreeCounts` counts all small subtrees. Both go through a logarithm into logistic
  regression.
- `RecursiveClassifier` learns codes of the trees from the labels. Its softmax reads the
  code of the root, and the mean and the maximum of those of all nodes.
- The mean of the probabilities of the last two.

How a function becomes a tree: the type of a syntax node is its first leaf, then come
its children, in the order of the source; a node without children is its type alone. Of
a constant the type of its value is told, too. Documentation strings are left out, and
whether a name is read or written. Of equal trees one is kept, so that no tree for
testing was there in training. But functions for training and for testing are of the
same modules, as they are where a model labels the rest of what somebody began to label.

The picture shows the share of right answers by the number of functions in training,
the mean over three draws of functions: a difference of 0.02 may be chance.
"""

import ast
import sysconfig
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from threadpoolctl import threadpool_limits

from sk_autoenc import LeafVectorizer, RecursiveClassifier, SubtreeCounts

PICTURE = Path(__file__).with_suffix(".png")
LIBRARY = Path(sysconfig.get_path("stdlib"))
PACKAGES = ("asyncio", "email", "importlib", "multiprocessing", "unittest", "xml")
N_EACH = 250
"""Functions of each package."""
N_TRAINING = (100, 300, 800)
N_DRAWS = 3
MODELS = ("bag of types", "subtrees", "recursive", "mean of the last two")
LEAVES = range(10, 121)
"""How many a tree may have: not so few that nothing can be told from them."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def is_text(node):
    """Tell whether a syntax node is a statement that is nothing but a string."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return False
    return isinstance(node.value.value, str)


def syntax_tree(node):
    """Give a syntax node as nested tuples of names of types."""
    kind = type(node).__name__
    if isinstance(node, ast.Constant):
        kind += " " + type(node.value).__name__
    children = [
        syntax_tree(child)
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, ast.expr_context) and not is_text(child)
    ]
    return (kind, *children) if children else kind


def count_leaves(tree):
    return sum(map(count_leaves, tree)) if isinstance(tree, tuple) else 1


def functions_of(package):
    """Yield the syntax nodes of a package's functions."""
    for path in sorted((LIBRARY / package).rglob("*.py")):
        if path.parent.name != "test":  # up to Python 3.11 unittest has its tests
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, FUNCTIONS):
                    yield node


def read_functions():
    """Return distinct trees, as many of each package, and the number of its package."""
    rng = np.random.default_rng(0)
    trees, answers, seen = [], [], set()
    for number, package in enumerate(PACKAGES):
        found = dict.fromkeys(map(syntax_tree, functions_of(package)))
        new = [tree for tree in found if tree not in seen]
        seen.update(new)
        fitting = [tree for tree in new if count_leaves(tree) in LEAVES]
        chosen = rng.permutation(len(fitting))[:N_EACH]
        trees += [fitting[i] for i in chosen]
        answers += [number] * len(chosen)
    return trees, np.array(answers)


def counting(n_features, **settings):
    """Return logistic regression on logarithms of counts."""
    return make_pipeline(
        SubtreeCounts(n_features=n_features, **settings),
        FunctionTransformer(np.log1p, accept_sparse=True),
        LogisticRegression(max_iter=1000),
    )


def make_models(seed):
    """Return a bag of types, and the mean of two models, which also fits these."""
    recursive = RecursiveClassifier(
        pooling=("root", "mean", "max"),
        early_stopping=False,
        max_iter=30,
        random_state=seed,
    )
    models = [("subtrees", counting(2**14)), ("recursive", recursive)]
    # Nodes are counted by their first leaves: those are their types.
    bag = counting(2**10, n_rounds=0, n_ancestors=0, inner_labels="one")
    return bag, VotingClassifier(models, voting="soft")


def measure(forest, answers, n_training, seed):
    """Return the accuracy of each model on functions that it has not seen."""
    splitter = StratifiedShuffleSplit(
        1,
        train_size=n_training,
        test_size=len(answers) - n_training,
        random_state=seed,
    )
    train, test = next(splitter.split(forest, answers))
    bag, mean = make_models(seed)
    with threadpool_limits(1, "blas"):  # two are slower for the regression
        bag.fit(forest[train], answers[train])
        mean.fit(forest[train], answers[train])
    models = [bag, *mean.estimators_, mean]
    return [model.score(forest[test], answers[test]) for model in models]


def draw(accuracies):
    """Draw the accuracies by the number of functions; return the path."""
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for name, values in zip(MODELS, accuracies, strict=True):
        axes.plot(N_TRAINING, values, "o-", label=name)
    axes.axhline(
        1 / len(PACKAGES), color="0.5", linestyle="--", label="always one package"
    )
    axes.set(
        title=f"Which of {len(PACKAGES)} packages is a function from?",
        xlabel="functions in training",
        ylabel="right answers for the other functions (%)",
        xscale="log",
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0, symbol=None))
    axes.set_xticks(N_TRAINING, N_TRAINING)
    axes.minorticks_off()
    axes.legend()
    figure.savefig(PICTURE, dpi=100)
    plt.close(figure)
    return PICTURE


def main():
    """Compare the four, print and draw."""
    began = time.perf_counter()
    trees, answers = read_functions()
    forest = LeafVectorizer().fit_transform(trees)
    print(f"{forest.n_nodes.sum()} nodes of {len(forest)} functions")
    draws = [
        [measure(forest, answers, n_training, seed) for n_training in N_TRAINING]
        for seed in range(N_DRAWS)
    ]
    accuracies = np.mean(draws, axis=0).T
    print("functions in training     " + "".join(f"{n:8}" for n in N_TRAINING))
    for name, values in zip(MODELS, accuracies, strict=True):
        print(f"{name:26}" + "".join(f"{value:8.3f}" for value in values))
    print(f"picture: {draw(accuracies)}")
    print(f"{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
