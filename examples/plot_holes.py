"""
How well do holes of a table come back?
=======================================

Thirty measurements of each of 569 tumours, of which a tenth to seven tenths are hidden
at random. `DenoisingImputer` fills them in, and beside it the imputers of scikit-learn
that need no trees. The error is that of filling in the mean of each column, times the
number printed.

The picture shows the errors by the share that is hidden, and, for half of the entries
hidden, filled values of one column against the true ones.
"""

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sk_autoenc import DenoisingImputer

PICTURE = Path(__file__).with_suffix(".png")
SHARES = (0.1, 0.3, 0.5, 0.7)
SHOWN = 0.5, "mean concavity"
IMPUTERS = {
    "5 nearest neighbours": KNNImputer(),
    "Bayesian ridge, in turn": IterativeImputer(max_iter=5, tol=0.1, random_state=0),
    "denoising": DenoisingImputer(max_steps=1000, random_state=0),
}


def fill(imputer, X, hidden):
    """Fill standardised columns; return them, and the error over that of the mean."""
    holes = np.where(hidden, np.nan, X)
    scaler = StandardScaler().fit(holes)
    with threadpool_limits(1, "blas"):  # two are slower for the ridge
        filled = imputer.fit_transform(scaler.transform(holes))
    truth = scaler.transform(X)
    error, by_means = (
        np.sqrt(np.mean(residual[hidden] ** 2)) for residual in (filled - truth, truth)
    )
    return scaler.inverse_transform(filled), error / by_means


def draw(errors, column, filled, hidden, X):
    """Draw errors, and filled against true values; return the path."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    for name, values in errors.items():
        left.plot([100 * share for share in SHARES], values, "o-", label=name)
    left.axhline(1, color="grey", linestyle=":", label="mean of the column")
    left.set(
        title="Error of hidden entries",
        xlabel="share of entries that is hidden (%)",
        ylabel="root mean squared error / that of the mean",
    )
    left.legend()
    for name in ("5 nearest neighbours", "denoising"):
        right.plot(
            X[hidden, column], filled[name][hidden, column], ".", alpha=0.5, label=name
        )
    right.axline((0, 0), slope=1, color="grey", linestyle=":")
    right.set(
        title=f"Half of all entries hidden: {SHOWN[1]}",
        xlabel="true value (no unit)",
        ylabel="filled in (no unit)",
    )
    right.legend()
    figure.savefig(PICTURE, dpi=100)
    return PICTURE


def main():
    """Fill holes, print the errors and draw them."""
    began = time.perf_counter()
    data = load_breast_cancer()
    X = data.data
    errors, shown = {name: [] for name in IMPUTERS}, {}
    for share in SHARES:
        hidden = np.random.default_rng(0).random(X.shape) < share
        for name, imputer in IMPUTERS.items():
            filled, error = fill(imputer, X, hidden)
            errors[name].append(error)
            if share == SHOWN[0]:
                shown[name], hidden_then = filled, hidden
    print("hidden                  " + "".join(f"{share:8.0%}" for share in SHARES))
    for name, values in errors.items():
        print(f"{name:24}" + "".join(f"{value:8.2f}" for value in values))
    column = data.feature_names.tolist().index(SHOWN[1])
    print(f"picture: {draw(errors, column, shown, hidden_then[:, column], X)}")
    print(f"{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
