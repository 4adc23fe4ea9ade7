"""
What the defaults of DenoisingAutoencoder are worth on scikit-learn's small data sets.

Prints the tables of doc/results.md, in Markdown:

    python benchmarks/study_defaults.py

One thing varies at a time around the defaults; solver and batch size vary together.
For each setting, over repeated 5-fold cross-validation, with the same folds and seeds:

- score: accuracy of LogisticRegression on the codes of held-out rows (diabetes: R^2 of
  Ridge). The scaler, the autoencoder and the classifier see training rows only.
- loss: loss per held-out clean row, which is minus `DenoisingAutoencoder.score`.
- epochs: mean of `n_iter_`; 200 is `max_iter`.
- time: median of the autoencoder's fit, as a ratio to the default's on the same data,
  rounded to `RATIOS`. All else in the tables is the same at every run on one
  machine; a ratio between two steps of that scale may fall on either.

The last row, "noise", says how far a figure may be trusted: the median over settings of
the standard error of the difference from the default, fold by fold. (Folds share rows,
so the true error is somewhat larger.)
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold
from sklearn.preprocessing import MinMaxScaler

from sk_autoenc import DenoisingAutoencoder

DATA = {
    "digits": (load_digits, 2),
    "breast_cancer": (load_breast_cancer, 3),
    "wine": (load_wine, 6),
    "diabetes": (load_diabetes, 3),
}
"""Loader, and how often the 5 folds are drawn."""

BATCHES = {
    "min(200, n)": lambda n: min(200, n),
    "clip(n // 10, 10, 200)": lambda n: min(n, max(10, min(200, n // 10))),
    "clip(n // 20, 10, 200)": lambda n: min(n, max(10, min(200, n // 20))),
    "64": lambda n: min(64, n),
    "20": lambda n: min(20, n),
}
"""What `batch_size="auto"` could mean, by the number n of training rows."""

SOLVERS = {
    "adam": {"solver": "adam"},
    "sgd, Nesterov 0.9": {"solver": "sgd"},
    "sgd, no momentum": {"solver": "sgd", "momentum": 0},
}
AUTO = "clip(n // 10, 10, 200)"
"""The default: the rule with which levels and rates are varied."""

RATIOS = (0.25, 0.5, 1, 2, 4, 8)


def settings():
    """Return name -> (rule for the batch size, parameters), the default first."""
    table = {f"**adam; batch {AUTO}**": (AUTO, {})}
    for solver, parameters in SOLVERS.items():
        for batch in BATCHES:
            if (solver, batch) != ("adam", AUTO):
                table[f"{solver}; batch {batch}"] = (batch, parameters)
    for level in (0.0, 0.1, 0.2, 0.4, 0.5):
        table[f"corruption_level {level}"] = (AUTO, {"corruption_level": level})
    for rate in (0.0003, 0.003, 0.01):
        table[f"adam; rate {rate}"] = (AUTO, {"learning_rate_init": rate})
    for rate in (0.01, 0.03, 0.3):
        parameters = {"solver": "sgd", "learning_rate_init": rate}
        table[f"sgd, Nesterov 0.9; rate {rate}"] = (AUTO, parameters)
    return table


def splits(X, y, n_repeats):
    classes = y.dtype.kind == "i"
    kind = RepeatedStratifiedKFold if classes else RepeatedKFold
    return kind(n_splits=5, n_repeats=n_repeats, random_state=0).split(X, y)


def judge(train, test, y_train, y_test):
    """Return the score of a linear model on features."""
    classes = y_train.dtype.kind == "i"
    model = LogisticRegression(max_iter=5000) if classes else Ridge()
    return model.fit(train, y_train).score(test, y_test)


def measure(name):
    """Return setting -> array of (score, loss, epochs, seconds), one row a fold."""
    load, n_repeats = DATA[name]
    X, y = load(return_X_y=True)
    results = {setting: [] for setting in ("scaled features", *settings())}
    for fold, (train, test) in enumerate(splits(X, y, n_repeats)):
        # clip: a held-out value beyond the training range is brought back into it.
        scaler = MinMaxScaler(clip=True)
        seen, held_out = scaler.fit_transform(X[train]), scaler.transform(X[test])
        score = judge(seen, held_out, y[train], y[test])
        results["scaled features"].append((score, np.nan, np.nan, np.nan))
        for setting, (batch, parameters) in settings().items():
            batch_size = BATCHES[batch](len(train))
            autoencoder = DenoisingAutoencoder(
                batch_size=batch_size, random_state=fold, **parameters
            )
            began = time.perf_counter()
            autoencoder.fit(seen)
            seconds = time.perf_counter() - began
            codes = autoencoder.transform(seen), autoencoder.transform(held_out)
            results[setting].append(
                (
                    judge(*codes, y[train], y[test]),
                    -autoencoder.score(held_out),
                    autoencoder.n_iter_,
                    seconds,
                )
            )
    return {setting: np.array(rows) for setting, rows in results.items()}


def print_table(header, results, cells):
    """Print a table with two columns for each data set."""
    print(f"| setting | {' | '.join(f'{name}: {header}' for name in results)} |")
    print("|---" + "|---:" * 2 * len(results) + "|")
    for setting in next(iter(results.values())):
        row = [cell for name in results for cell in cells(results[name], setting)]
        if any(row):
            print(f"| {setting} | {' | '.join(row)} |")


def print_noise(results):
    row = []
    for rows in results.values():
        default, *others = [rows[setting][:, :2] for setting in settings()]
        differences = np.array(others) - default
        errors = differences.std(axis=1, ddof=1) / np.sqrt(len(default))
        score, loss = np.median(errors, axis=0)
        row += [f"{score:.3f}", f"{loss:.2f}"]
    print(f"| noise | {' | '.join(row)} |")


def worth(results, setting):
    score, loss, _, _ = results[setting].mean(axis=0)
    return f"{score:.3f}", "" if np.isnan(loss) else f"{loss:.2f}"


def cost(results, setting):
    if np.isnan(results[setting]).any():
        return "", ""
    default = np.median(results[next(iter(settings()))][:, 3])
    ratio = np.median(results[setting][:, 3]) / default
    nearest = min(RATIOS, key=lambda step: abs(np.log(step / ratio)))
    return f"{results[setting][:, 2].mean():.0f}", f"{nearest:g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("data", nargs="*", default=list(DATA), help="default: all")
    warnings.simplefilter("ignore", ConvergenceWarning)
    results = {name: measure(name) for name in parser.parse_args().data}
    print_table("score | loss", results, worth)
    print_noise(results)
    print()
    print_table("epochs | time", results, cost)


if __name__ == "__main__":
    main()
