"""Do penalties on hidden units make better codes? scikit-learn's digits.

    python benchmarks/study_penalties.py

Accuracy of logistic regression on the codes of 64 and of 256 units, on a test half:
mean and standard deviation over three splits. The strength of a penalty, the level of
masking and C are chosen by three folds of the training half.
"""

import warnings

import numpy as np
from side_by_side import print_table
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from sk_autoenc import DenoisingAutoencoder

LEVELS = (0.0, 0.3)
STRENGTHS = {"sparsity": (0.1, 1.0), "contraction": (0.001, 0.01, 0.1)}
METHODS = {
    "relu": ("relu", None),
    "logistic": ("logistic", None),
    "relu, contraction": ("relu", "contraction"),
    "logistic, contraction": ("logistic", "contraction"),
    "logistic, sparsity": ("logistic", "sparsity"),
}


def search(n_components, activation, penalty, seed):
    """Make a search over the settings of one method."""
    model = make_pipeline(
        DenoisingAutoencoder(n_components, activation=activation, random_state=seed),
        LogisticRegression(max_iter=1000),
    )
    grid = {
        "denoisingautoencoder__corruption_level": LEVELS,
        "logisticregression__C": (1.0, 10.0),
    }
    if penalty:
        grid[f"denoisingautoencoder__{penalty}"] = STRENGTHS[penalty]
    if penalty == "sparsity":
        grid["denoisingautoencoder__sparsity_target"] = (0.05, 0.2)
    return GridSearchCV(model, grid, cv=3)


def accuracies(n_components, activation, penalty):
    """Return the test accuracy of each split."""
    X, y = load_digits(return_X_y=True)
    found = []
    for seed in range(3):
        X_train, X_test, y_train, y_test = train_test_split(
            X / 16, y, test_size=0.5, stratify=y, random_state=seed
        )
        fitted = search(n_components, activation, penalty, seed).fit(X_train, y_train)
        found.append(fitted.score(X_test, y_test))
    return np.array(found)


def main():
    warnings.simplefilter("ignore")
    rows = []
    for method, (activation, penalty) in METHODS.items():
        cells = [accuracies(size, activation, penalty) for size in (64, 256)]
        rows.append([method, *(f"{a.mean():.3f} ± {a.std():.3f}" for a in cells)])
    print_table(["units", "64", "256"], rows)


if __name__ == "__main__":
    main()
