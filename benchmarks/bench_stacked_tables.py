"""Stacks that are trained on labels of tables, beside what else is.

    python benchmarks/bench_stacked_tables.py [--tables NAME ...] [--rows N]
        [--seeds N] [--jobs N]

Prints a Markdown table of the area under the ROC curve, or R² for a number to predict,
on a third of the rows: the mean over seeds, which draw the rows and the parts. The
tables are those of `bench_table_codes`; all networks and the linear model see
standardised numbers, medians in their holes, and one-hot categories.

- linear: logistic or ridge regression, its penalty chosen on training rows.
- MLP: MLPClassifier, or MLPRegressor of standardised numbers, by its defaults.
- MLP, stopped: the same with early stopping.
- MLP, chosen: the same with the best of three penalties, by three folds of the training
  rows.
- scratch: StackedDenoisingClassifier or -Regressor without pretraining.
- pretrained: by its defaults, but that swap noise of 0.15 moves whole columns.
- together: the same, and a share of 0.3 of the denoising loss beside the labels.
- pretrained, chosen: with a penalty of 0 or 0.01, by three folds of the training rows.
- boosting: HistGradientBoosting by its defaults on the table as it is.
"""

import argparse
import warnings
from functools import partial

import numpy as np
from bench_table_codes import READERS, boosting, flat, linear, read, value
from joblib import Parallel, delayed
from scipy.stats import rankdata
from side_by_side import print_table
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sk_autoenc import (
    DenoisingAutoencoder,
    StackedDenoisingClassifier,
    StackedDenoisingRegressor,
)

METHODS = [
    "linear",
    "MLP",
    "MLP, stopped",
    "MLP, chosen",
    "scratch",
    "pretrained",
    "together",
    "pretrained, chosen",
    "boosting",
]
SHARE = 0.3
SCALER = StandardScaler()


def groups_of(encoder):
    """Return the column of the table that each encoded feature comes from."""
    (_, _, numbers), (_, one_hot, _) = encoder.transformers_[:2]
    widths = [1] * len(numbers)
    if hasattr(one_hot, "categories_"):
        widths += [len(levels) for levels in one_hot.categories_]
    return np.repeat(np.arange(len(widths)), widths)


def models(is_number, groups, seed):
    """Return every model of encoded rows by name."""
    mlp = scaled_mlp if is_number else MLPClassifier
    stack = StackedDenoisingRegressor if is_number else StackedDenoisingClassifier
    template = DenoisingAutoencoder(
        corruption="swap", corruption_level=0.15, feature_groups=groups
    )
    plain = mlp(random_state=seed)
    pretrained = stack(autoencoder=template, random_state=seed)
    alpha = "regressor__alpha" if is_number else "alpha"
    chosen = partial(GridSearchCV, cv=3, scoring="r2" if is_number else "roc_auc_ovr")
    return {
        "linear": linear(is_number),
        "MLP": plain,
        "MLP, stopped": mlp(early_stopping=True, random_state=seed),
        "MLP, chosen": chosen(plain, {alpha: [1e-4, 1e-2, 1.0]}),
        "scratch": stack(pretrain=False, random_state=seed),
        "pretrained": pretrained,
        "pretrained, chosen": chosen(pretrained, {"alpha": [0.0, 0.01]}),
        "together": stack(
            autoencoder=template, reconstruction=SHARE, random_state=seed
        ),
    }


def scaled_mlp(**settings):
    """Return an MLPRegressor of standardised numbers."""
    return TransformedTargetRegressor(MLPRegressor(**settings), transformer=SCALER)


def measure(name, n_rows, seed):
    """Return the value of each method."""
    warnings.simplefilter("ignore")
    X, y, is_number = read(name, n_rows, seed)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=1 / 3, random_state=seed, stratify=None if is_number else y
    )
    encoder = flat(StandardScaler()).fit(X_train)
    train, test = (encoder.transform(x).astype(np.float32) for x in (X_train, X_test))
    results = {}
    with threadpool_limits(1):
        for method, model in models(is_number, groups_of(encoder), seed).items():
            model.fit(train, y_train)
            results[method] = value(model, test, y_test, is_number)
        model = boosting(is_number).fit(X_train, y_train)
        results["boosting"] = value(model, X_test, y_test, is_number)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=list(READERS))
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    seeds = range(arguments.seeds)
    measured = Parallel(arguments.jobs, batch_size=1, return_as="generator")(
        delayed(measure)(name, arguments.rows, seed)
        for name in arguments.tables
        for seed in seeds
    )
    table = []

    def rows():
        for name in arguments.tables:
            runs = [next(measured) for _ in seeds]
            values = np.array([[run[method] for method in METHODS] for run in runs])
            table.append(values.mean(axis=0))
            yield name, *(f"{mean:.3f}" for mean in table[-1])
        ranks = rankdata(-np.array(table), axis=1).mean(axis=0)
        yield "mean rank", *(f"{rank:.1f}" for rank in ranks)
        better = np.array(table) > np.array(table)[:, [METHODS.index("MLP")]]
        yield "better than MLP", *better.sum(axis=0)

    print_table(["table", *METHODS], rows())


if __name__ == "__main__":
    main()
