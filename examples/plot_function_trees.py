"""
Does a code know whether a function returns a value?
====================================================

The functions of 39 modules of Python's standard library become syntax trees, and the
answer to one question about each is hidden in them: does it return a value? Every
``return x`` is turned into the bare expression ``x``, and a bare ``return`` (or
``return None``) into ``pass``. What is left are traces, and most lie in the shape of
the tree: a statement that is a name or a sum is rarely anything but a hidden
``return``, but a statement that is a call may be either.

A tree autoencoder, which never sees an answer, makes codes of the trees. Logistic
regression answers from the codes. Beside it, it answers from a bag of node types, which
counts nodes and knows nothing of the shape, and from a bag of (parent, child) types,
which counts just the kind of traces that we know of.

How a function becomes a tree: of its body, without documentation strings, each syntax
node is a tuple. First comes a leaf that stands for the node's type, then its children
in the order of the source. A node without children is its leaf alone. The leaf vector
of each type is a unit vector of its own (one-hot): no type is nearer to one than to
another, and no vector knows the answer. Trees of 10 to 150 leaves are taken, generators
are not.

What is lost: all names, all values of constants (of which the type is kept), whether a
name is read or written, the function's arguments and decorators, and the fields of a
node: an ``if`` lists its test, its body and its ``else`` as children alike.

Folds are made of whole modules, so that no fold is tested on a module it was trained
on. A second question, to the same trees, is more about what is in a tree than about its
shape: which of the six largest modules is a function from? There, each fold has a part
of each module.

The autoencoder is refitted in each fold, from both kinds of initial weights;
"untrained" are the codes from these weights as they are. A number on the command line,
for instance 5, repeats that with as many seeds, for means and standard deviations over
the seeds.

The picture shows a function of a module not seen in training, and how well each leaf is
restored from the code of the root.
"""

import ast
import copy
import importlib.util
import sys
import textwrap
import time
from collections import Counter, defaultdict
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_autoenc import Forest, UnfoldingRAETransformer

PICTURE = Path(__file__).with_suffix(".png")
MODULES = """
_pydecimal argparse configparser csv difflib doctest email.message fractions ftplib
gettext http.client http.cookiejar imaplib inspect ipaddress logging mailbox
optparse pdb pickle plistlib pprint shutil smtplib statistics subprocess tarfile
tempfile textwrap threading tokenize traceback typing unittest.case unittest.mock
urllib.request uuid weakref xml.dom.minidom
""".split()
N_FUNCTIONS = 1200
N_COMPONENTS = 32
N_FOLDS = 4
N_MODULES = 6
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class HideReturns(ast.NodeTransformer):
    """Turn returns into expressions or ``pass``; drop strings that do nothing."""

    def visit_Return(self, node):
        """Hide a return."""
        self.generic_visit(node)
        return ast.Expr(node.value) if gives_value(node) else ast.Pass()

    def visit_Expr(self, node):
        """Drop a statement that is a string."""
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return self.generic_visit(node)


def gives_value(node):
    """Tell whether a syntax node is a return of something else than None."""
    if not isinstance(node, ast.Return) or node.value is None:
        return False
    return not (isinstance(node.value, ast.Constant) and node.value.value is None)


def own_nodes(function):
    """List the syntax nodes of a function, without those of functions in it."""
    nodes, found = list(function.body), []
    while nodes:
        node = nodes.pop()
        if not isinstance(node, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            found.append(node)
            nodes.extend(ast.iter_child_nodes(node))
    return found


def syntax_tree(node):
    """Give a syntax node as nested tuples of names of types."""
    name = type(node).__name__
    if isinstance(node, ast.Constant):
        name += " " + type(node.value).__name__
    children = [
        syntax_tree(child)
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, ast.expr_context)
    ]
    return (name, *children) if children else name


def pairs(tree):
    """List the (type of the parent, type of the child) of all nodes of a tree."""
    if isinstance(tree, str):
        return []
    types = [child if isinstance(child, str) else child[0] for child in tree[1:]]
    below = [pair for child in tree[1:] for pair in pairs(child)]
    return [(tree[0], kind) for kind in types] + below


def leaves(tree):
    """List the leaves of a tree."""
    if isinstance(tree, str):
        return [tree]
    return [leaf for child in tree for leaf in leaves(child)]


def read_functions():
    """List (module, lines of source, tree, answer) of functions of all modules."""
    functions = []
    for module in MODULES:
        source = Path(importlib.util.find_spec(module).origin).read_text("utf-8")
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, FUNCTIONS):
                continue
            own = own_nodes(node)
            if any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in own):
                continue
            returns = any(gives_value(part) for part in own)
            lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
            hidden = HideReturns().visit(copy.deepcopy(node))  # inner ones come later
            tree = ("body", *map(syntax_tree, hidden.body))
            if 10 <= len(leaves(tree)) <= 150:
                functions.append((module, lines, tree, returns))
    order = np.random.default_rng(0).permutation(len(functions))
    return [functions[i] for i in sorted(order[:N_FUNCTIONS])]


def make_forest(trees):
    """Put a unit vector in the place of each type."""
    kinds = sorted({kind for tree in trees for kind in leaves(tree)})
    vectors = dict(zip(kinds, np.eye(len(kinds), dtype=np.float32), strict=True))

    def with_vectors(tree):
        if isinstance(tree, str):
            return vectors[tree]
        return tuple(map(with_vectors, tree))

    return Forest.from_nested([with_vectors(tree) for tree in trees])


def count(bags):
    """Count what is in each bag: the logarithm of one plus it, (n_bags, n_kinds)."""
    columns = {
        kind: i for i, kind in enumerate(sorted({k for bag in bags for k in bag}))
    }
    counts = np.zeros((len(bags), len(columns)))
    for row, bag in zip(counts, bags, strict=True):
        for kind, number in Counter(bag).items():
            row[columns[kind]] = np.log1p(number)
    return counts


def make_autoencoder(init, seed):
    return UnfoldingRAETransformer(
        N_COMPONENTS,
        init=init,
        pooling=("root", "mean"),
        batch_size=40,
        max_iter=30,
        random_state=seed,
    )


def encode(forest, train, init, seed):
    """Return the codes of all trees by name, and the model trained on some trees."""
    model = make_autoencoder(init, seed).fit(forest[train])
    # One pass with steps of almost nothing leaves the weights as they start.
    untrained = make_autoencoder(init, seed).set_params(learning_rate_init=1e-12)
    untrained.partial_fit(forest[train])
    columns = {
        "root": slice(N_COMPONENTS),
        "mean": slice(N_COMPONENTS, None),
        "root and mean": slice(None),
    }
    codes = {
        f"{state} codes, {init!r}, {pooling}": fitted.transform(forest)[:, part]
        for state, fitted in (("untrained", untrained), ("trained", model))
        for pooling, part in columns.items()
    }
    return codes, model


def judge(features, answers, train, test):
    """Give the accuracy on test functions of logistic regression, for each features."""
    classifier = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)
    )
    return {
        name: classifier.fit(X[train], answers[train]).score(X[test], answers[test])
        for name, X in features.items()
    }


def compare(forest, trees, answers, folds, n_seeds):
    """Print cross-validated accuracies; return a model and the trees new to it."""
    bags = {
        "bag of node types": count([leaves(tree) for tree in trees]),
        "bag of (parent, child) types": count([pairs(tree) for tree in trees]),
    }
    accuracies, losses, models = defaultdict(list), defaultdict(list), {}
    for train, test in folds:
        found = [judge(bags, answers, train, test)]
        for init, seed in product(("average", "glorot"), range(n_seeds)):
            codes, models[init] = encode(forest, train, init, seed)
            found.append(judge(codes, answers, train, test))
            losses[init].append(-models[init].score(forest[test]))
        for name, accuracy in (item for part in found for item in part.items()):
            accuracies[name].append(accuracy)
    most_frequent = Counter(answers.tolist()).most_common(1)[0][1] / len(answers)
    print(f"  {'always the most frequent answer':43s}{most_frequent:.3f}")
    for name, values in accuracies.items():
        by_fold = np.reshape(values, (len(folds), -1))  # a column for each seed
        print(f"  {name:43s}{summary(by_fold)}")
    for init, values in losses.items():
        print(f"  loss of a tree of the test fold, {init!r}: {np.mean(values):.2f}")
    return models["average"], test


def summary(by_fold):
    """Give the mean, its standard deviation over seeds if several, and each fold."""
    of_seeds = by_fold.mean(axis=0)
    spread = f" +- {of_seeds.std(ddof=1):.3f}" if len(of_seeds) > 1 else ""
    folds = " ".join(f"{accuracy:.2f}" for accuracy in by_fold.mean(axis=1))
    return f"{of_seeds.mean():.3f}{spread}  (folds {folds})"


def place_nodes(forest):
    """Give x of every node of one tree: leaves in a row, others amid their children."""
    x = np.zeros(len(forest.size))
    x[forest.leaves] = np.arange(len(forest.leaves))
    for node in reversed(range(len(x))):
        if forest.n_children[node]:
            x[node] = x[forest.parent == node].mean()
    return x


def draw(model, forest, tree, module, lines):
    """Draw one tree above its leaves' errors; return the picture's path."""
    errors = model.reconstruction_error(forest)
    x, y = place_nodes(forest), forest.height
    figure, (axis, text) = plt.subplots(
        2, 1, figsize=(11, 7.5), height_ratios=(4, 1), layout="constrained"
    )
    for node, parent in enumerate(forest.parent):
        if parent >= 0:
            turn = [x[parent], x[node], x[node]], [y[parent], y[parent], y[node]]
            axis.plot(*turn, color="0.6", linewidth=1, zorder=1)
    spots = axis.scatter(
        x[forest.leaves],
        y[forest.leaves],
        c=errors,
        cmap="viridis_r",
        vmin=0,
        edgecolors="black",
        s=60,
        zorder=2,
    )
    axis.set_xticks(range(len(errors)), leaves(tree), rotation=90)
    axis.set_ylabel("height: steps to the deepest leaf below")
    axis.set_xlabel("leaves: types of syntax nodes, in the order of the source")
    axis.spines[["top", "right"]].set_visible(False)
    figure.colorbar(spots, ax=axis, pad=0.01).set_label(
        "squared error of the leaf\n(1: no better than zeros)"
    )
    text.axis("off")
    code = textwrap.dedent("\n".join(lines))
    text.text(0, 1, code, family="monospace", fontsize=9, va="top")
    figure.suptitle(
        f"A function of {module}, encoded in {N_COMPONENTS} numbers and unfolded again:"
        " which leaves are restored?"
    )
    figure.savefig(PICTURE, dpi=120)
    plt.close(figure)
    return PICTURE


def choose_short(forest, functions, candidates):
    """Choose a tree that can be drawn: the number of the first of a fitting size."""
    for i in candidates:
        n_lines = len(functions[i][1])
        if 25 <= forest.n_leaves[i] <= 35 and 4 <= n_lines <= 8:
            return i
    return candidates[forest.n_leaves[candidates].argmin()]


def compare_modules(forest, trees, modules, n_seeds):
    """Print how well functions of the largest modules are told apart."""
    largest = [module for module, _ in Counter(modules).most_common(N_MODULES)]
    rows = np.flatnonzero(np.isin(modules, largest))
    print(f"Which of {N_MODULES} modules is it from? ({len(rows)} functions)")
    answers = np.array(modules)[rows]
    splitter = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)
    folds = list(splitter.split(rows, answers))
    compare(forest[rows], [trees[row] for row in rows], answers, folds, n_seeds)


if __name__ == "__main__":
    began = time.perf_counter()
    n_seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    functions = read_functions()
    modules, sources, trees, answers = zip(*functions, strict=True)
    forest, answers = make_forest(trees), np.array(answers)
    print(forest)
    print(f"Does it return a value? ({len(forest)} functions)")
    folds = list(GroupKFold(N_FOLDS).split(answers, groups=modules))
    model, unseen = compare(forest, trees, answers, folds, n_seeds)
    compare_modules(forest, trees, modules, n_seeds)
    i = choose_short(forest, functions, unseen)
    print(f"picture: {draw(model, forest[i], trees[i], modules[i], sources[i])}")
    print(f"{time.perf_counter() - began:.0f} s")
