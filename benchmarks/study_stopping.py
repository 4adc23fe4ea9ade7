"""
What the defaults were before they stopped by themselves, and what they are.

Prints a table in Markdown:

    python benchmarks/study_stopping.py [tables] [trees] [mnist]

"before" is logistic units, a constant rate (0.001 for Adam, 0.1 for sgd), at most 200
epochs, and a stop when the noisy training loss has not fallen by 1e-4 below its best
for more than 10 epochs; "now" is the defaults. Of tables, with 30 % held out and the
mean over three seeds:

- loss: of training rows, denoised under one fixed mask of 30 % of the entries;
- error: root mean squared error on entries of held-out rows that were hidden as zeros;
- constant: hidden units that do not vary over the training rows.

Of trees: mean loss of 1600 functions of the standard library and of 400 others. Of
MNIST (10 000 rows, 1000 units; fetched by npm into data/): accuracy of a logistic
regression on the codes, on the test set. Seconds are of one core, and as noisy as the
machine.
"""

import argparse
import contextlib
import time
import warnings
from unittest.mock import patch

import numpy as np
from data_sets import mnist, syntax_trees
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sk_autoenc import (
    DenoisingAutoencoder,
    Forest,
    RAETransformer,
    UnfoldingRAETransformer,
)

TABLES = {
    "digits": load_digits,
    "breast_cancer": load_breast_cancer,
    "wine": load_wine,
    "diabetes": load_diabetes,
}
SCALERS = {"min-max": MinMaxScaler(clip=True), "standard": StandardScaler()}
SEEDS = range(3)

BEFORE = {
    "learning_rate": "constant",
    "max_iter": 200,
    "tol": 1e-4,
    "n_iter_no_change": 10,
}
SOLVERS = {
    "adam": ({}, {"learning_rate_init": 0.001}),
    "sgd": ({"solver": "sgd"}, {"learning_rate_init": 0.1}),
    "sgd, no momentum": (
        {"solver": "sgd", "momentum": 0},
        {"learning_rate_init": 0.1},
    ),
}
"""Parameters of both, and of "before" alone."""


class Patience:
    """The stopping rule before: takes the place of `training.Progress`."""

    def __init__(self, tol, n_iter_no_change):
        self.tol, self.n_iter_no_change = tol, n_iter_no_change
        self.best, self.n_without_progress = np.inf, 0

    def record(self, loss):
        """Take the loss of an epoch."""
        self.is_best = loss < self.best
        no_progress = loss > self.best - self.tol
        self.n_without_progress = self.n_without_progress + 1 if no_progress else 0
        self.best = min(self.best, loss)

    @property
    def is_over(self):
        """Whether it is time to stop."""
        return self.n_without_progress > self.n_iter_no_change


def fitted(estimator, X, before):
    """Return an estimator fitted, seconds, and whether it warned; None if it diverged.

    ``before`` is a dict of the parameters that were, or None for the defaults.
    """
    rule = contextlib.nullcontext()
    if before is not None:
        estimator.set_params(**before)
        rule = patch("sk_autoenc.training.Progress", Patience)
    began = time.process_time()
    with rule, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        try:
            estimator.fit(X)
        except ValueError:
            return None, time.process_time() - began, False
    return estimator, time.process_time() - began, bool(caught)


def hide(X):
    """Return X with 30 % of its entries at 0, and which."""
    hidden = np.random.default_rng(0).random(X.shape) < 0.3
    return np.where(hidden, 0, X), hidden


def restored(autoencoder, X):
    return autoencoder.inverse_transform(autoencoder.transform(X))


def denoising_loss(autoencoder, X):
    z = restored(autoencoder, hide(X)[0])
    if autoencoder.loss_name_ == "squared_error":
        return ((z - X) ** 2).sum(axis=1).mean() / 2
    z = np.clip(z, 1e-12, 1 - 1e-12)
    return -(X * np.log(z) + (1 - X) * np.log(1 - z)).sum(axis=1).mean()


def hidden_error(autoencoder, X):
    inputs, hidden = hide(X)
    return np.sqrt(((restored(autoencoder, inputs) - X)[hidden] ** 2).mean())


def n_constant(autoencoder, X):
    return int((np.ptp(autoencoder.transform(X), axis=0) < 1e-4).sum())


def tables():
    print_header("data", "solver", "loss", "error", "constant")
    for name, load in TABLES.items():
        X, held_out = train_test_split(load().data, test_size=0.3, random_state=0)
        for scaling, scaler in SCALERS.items():
            seen, unseen = scaler.fit_transform(X), scaler.transform(held_out)
            for solver, choices in SOLVERS.items():
                for which, before in versions(choices, {"activation": "logistic"}):
                    print_mean(
                        (f"{name}, {scaling}", f"{solver}, {which}"),
                        [
                            table_row(seen, unseen, choices[0], before, seed)
                            for seed in SEEDS
                        ],
                    )


def versions(choices, also):
    """Yield (name, what the parameters of `fitted` need)."""
    yield "before", BEFORE | choices[1] | also
    yield "now", None


def table_row(seen, unseen, parameters, before, seed):
    estimator = DenoisingAutoencoder(random_state=seed, **parameters)
    model, seconds, warned = fitted(estimator, seen, before)
    if model is None:
        return None
    return (
        model.n_iter_,
        seconds,
        warned,
        denoising_loss(model, seen),
        hidden_error(model, unseen),
        n_constant(model, seen),
    )


def trees():
    print_header("trees", "solver", "loss", "held-out loss")
    forest = Forest.from_nested(syntax_trees(50, 2000))
    order = np.random.default_rng(0).permutation(len(forest))
    seen, unseen = forest[np.sort(order[:1600])], forest[np.sort(order[1600:])]
    for kind in (UnfoldingRAETransformer, RAETransformer):
        for solver, choices in list(SOLVERS.items())[:2]:
            for which, before in versions(choices, {}):
                estimator = kind(random_state=0, **choices[0])
                model, seconds, warned = fitted(estimator, seen, before)
                row = model and (
                    model.n_iter_,
                    seconds,
                    warned,
                    -model.score(seen),
                    -model.score(unseen),
                )
                print_mean((kind.__name__, f"{solver}, {which}"), [row])


def images():
    print_header("MNIST", "solver", "accuracy", "constant")
    for dtype in (np.float32, np.float64):
        X, y, X_test, y_test = mnist(dtype)
        X, y = X[:10_000], y[:10_000]
        for solver, choices in list(SOLVERS.items())[:2]:
            for which, before in versions(choices, {"activation": "logistic"}):
                if dtype == np.float64 and (solver, which) != ("adam", "now"):
                    continue
                estimator = DenoisingAutoencoder(1000, random_state=0, **choices[0])
                model, seconds, warned = fitted(estimator, X, before)
                judge = LogisticRegression(max_iter=1000).fit(model.transform(X), y)
                accuracy = judge.score(model.transform(X_test), y_test)
                constant = n_constant(model, X)
                row = (model.n_iter_, seconds, warned, accuracy, constant)
                print_mean((dtype.__name__, f"{solver}, {which}"), [row])


def print_header(data, solver, *columns):
    header = (data, solver, "epochs", "seconds", "warns", *columns)
    print(f"\n| {' | '.join(header)} |")
    print("|---|---" + "|---:" * (len(header) - 2) + "|", flush=True)


def print_mean(names, rows):
    if None in rows:
        print(f"| {' | '.join(names)} | diverged |", flush=True)
        return
    epochs, seconds, warned, *figures = np.mean(np.array(rows, float), axis=0)
    cells = [f"{epochs:.0f}", f"{seconds:.2g}", "yes" if warned else "no"]
    cells += [f"{figure:.4g}" for figure in figures]
    print(f"| {' | '.join([*names, *cells])} |", flush=True)


PARTS = {"tables": tables, "trees": trees, "mnist": images}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; default: all")
    for part in parser.parse_args().parts or PARTS:
        PARTS[part]()


if __name__ == "__main__":
    main()
