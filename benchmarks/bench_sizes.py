"""What the models of tables take in seconds and memory; whether spreads are honest.

    python benchmarks/bench_sizes.py [--coverage]

Each row is fitted, and used once, in a process of its own; memory is the most that it
had beside the interpreter, the libraries and the table. The tables are numbers that
depend on each other, a third of them hidden where the model fills holes, or the census
as `data_sets` fetches it.

With ``--coverage``: the share of hidden numbers of real tables that lie within the 90 %
intervals of a hundred draws of `DenoisingImputer.sample_imputations`, all together
and of each column.
"""

import argparse
import resource
import time
import warnings
from multiprocessing import get_context

import numpy as np
from bench_table_codes import read as read_table
from side_by_side import print_table
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from sk_autoenc import (
    DenoisingImputer,
    ReconstructionOutlierDetector,
    TableDenoisingAutoencoder,
)


def numbers(n_rows, n_columns, missing=0.0):
    """Return float64 rows whose columns depend on each other, with holes."""
    rng = np.random.default_rng(0)
    causes = rng.standard_normal((n_rows, 5))
    X = np.tanh(causes @ rng.standard_normal((5, n_columns)))
    X += 0.3 * rng.standard_normal(X.shape)
    X[rng.random(X.shape) < missing] = np.nan
    return X


def fill(n_rows, n_columns):
    X = numbers(n_rows, n_columns, 1 / 3)
    return lambda: DenoisingImputer(random_state=0).fit_transform(X)


def judge(n_rows, n_columns):
    X = numbers(n_rows, n_columns)
    return lambda: ReconstructionOutlierDetector(random_state=0).fit_predict(X)


def census():
    rows = read_table("adult", 32_561, seed=0)[0]
    return lambda: TableDenoisingAutoencoder(random_state=0).fit(rows)


CASES = {
    "fill 1500 x 11": (fill, 1500, 11),
    "fill 25 000 x 50": (fill, 25_000, 50),
    "fill 100 000 x 50": (fill, 100_000, 50),
    "outliers, 6000 x 30": (judge, 6000, 30),
    "codes of the census, 32 561 x 14": (census,),
}


def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name):
    """Return seconds and megabytes, of which the process is to have no more after."""
    warnings.simplefilter("ignore")
    make, *shape = CASES[name]
    function = make(*shape)
    before, began = megabytes(), time.perf_counter()
    function()
    return time.perf_counter() - began, megabytes() - before


def sizes():
    rows = []
    for name in CASES:
        with get_context("spawn").Pool(1) as pool:
            seconds, memory = pool.apply(measure, (name,))
        rows.append((name, f"{seconds:.1f}", f"{memory:.0f}"))
    print_table(("", "seconds", "MB"), rows)


def coverage():
    rows = []
    for load in (load_wine, load_breast_cancer, load_diabetes, load_iris):
        X = load().data
        hidden = np.random.default_rng(0).random(X.shape) < 0.3
        holes = np.where(hidden, np.nan, X)
        imputer = DenoisingImputer(n_imputations=100, random_state=0).fit(holes)
        draws = imputer.sample_imputations(holes)
        low, high = np.quantile(draws, [0.05, 0.95], axis=0)
        within = (low <= X) & (high >= X)
        columns = [within[h, k].mean() for k, h in enumerate(hidden.T)]
        rows.append(
            (
                load.__name__[5:],
                f"{within[hidden].mean():.3f}",
                f"{min(columns):.2f} to {max(columns):.2f}",
            )
        )
    print_table(("90 % intervals", "hidden numbers within", "columns"), rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--coverage", action="store_true")
    arguments = parser.parse_args()
    if arguments.coverage:
        coverage()
    else:
        sizes()


if __name__ == "__main__":
    main()
