"""The number of BLAS threads that the estimators choose, against one and against two.

    python benchmarks/bench_threads.py [--idle | --busy] [--examples [--only NAME ...]]

Prints Markdown tables of ratios of medians; the sides alternate in one process. The
same work runs on an otherwise idle machine and beside two busy processes for each core.

- one: within ``threadpool_limits(1)``.
- two: within ``threadpool_limits(2)``, and no step is small.
- automatic: what the estimators do by themselves.

"slower" is the time of automatic over that of the better of the others. Bar: 1.10 idle
and 1.30 busy. An example with two threads is stopped after twice the time of the slower
of its other sides, and then counts as that long: ">". The load is the system's mean
over a minute: without the processes of this benchmark, it must be near 0 for figures
that mean anything.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from unittest.mock import patch

import numpy as np
from side_by_side import print_table, timed
from threadpoolctl import threadpool_limits

from sk_autoenc import DenoisingAutoencoder, Forest, UnfoldingRAETransformer, threads

EXAMPLES = Path(__file__).parents[1] / "examples"
BUSY = """
import os, time
parent, end = os.getppid(), time.monotonic() + 3600
while os.getppid() == parent and time.monotonic() < end:
    sum(range(100_000))
"""
"""A busy process, which ends with the one that started it."""
FORCED = """
import runpy, sys
from sk_autoenc import threads
threads.FLOPS_OF_SEVERAL_THREADS = 0
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@contextmanager
def busy_processes():
    """Keep every core busy twice within a block."""
    command = [sys.executable, "-c", BUSY]
    processes = []
    try:
        for _ in range(2 * os.cpu_count()):
            processes.append(subprocess.Popen(command))
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@contextmanager
def forced():
    """Let every step have as many threads as the user set."""
    with patch.object(threads, "FLOPS_OF_SEVERAL_THREADS", 0), threadpool_limits(2):
        yield


SIDES = {
    "one": lambda: threadpool_limits(1),
    "two": forced,
    "automatic": ExitStack,
}


def random_forest(n_trees, n_features):
    """Make trees of 5 to 35 leaves, whose runs of 1 to 4 neighbours merge to nodes."""
    rng = np.random.default_rng(0)
    leaves = list(rng.standard_normal((2000, n_features)).astype(np.float32))
    trees = []
    for n_leaves in rng.integers(5, 36, n_trees):
        row = [leaves[i] for i in rng.integers(0, len(leaves), n_leaves)]
        while len(row) > 1:
            start, arity = rng.integers(0, len(row)), rng.integers(1, 5)
            row[start : start + arity] = [tuple(row[start : start + arity])]
        trees.append(row[0])
    return Forest.from_nested(trees)


def dense_cases():
    """Yield (name, an epoch of `fit` or a transform) for rows."""
    for n_features, n_components, batch_size, n_rows in [
        (64, 32, 10, 2_000),
        (30, 100, 200, 10_000),
        (784, 500, 20, 1_000),
        (784, 500, 128, 2_560),
        (784, 1000, 1024, 2_048),
    ]:
        X = np.random.default_rng(0).random((n_rows, n_features), np.float32)
        model = DenoisingAutoencoder(
            n_components, batch_size=batch_size, random_state=0
        ).partial_fit(X)
        name = f"{n_features}→{n_components}"
        yield f"fit {name}, {batch_size}", lambda m=model, X=X: m.partial_fit(X)
    X = np.random.default_rng(0).random((20_000, 784), np.float32)
    model = DenoisingAutoencoder(500, random_state=0).partial_fit(X[:1000])
    for n_rows in (1, 100, 20_000):
        yield (
            f"transform 784→500, {n_rows}",
            lambda n=n_rows: model.transform(X[:n]),
        )


def tree_cases():
    """Yield (name, an epoch of `fit` or a transform) for trees."""
    for n_components, batch_size, n_trees in [
        (50, 32, 320),
        (50, 4_000, 4_000),
        (100, 64, 320),
        (100, 4_000, 4_000),
    ]:
        forest = random_forest(n_trees, n_components)
        model = UnfoldingRAETransformer(
            batch_size=batch_size, random_state=0
        ).partial_fit(forest)
        name = f"trees, D={n_components}, {batch_size}"
        yield f"fit {name}", lambda m=model, X=forest: m.partial_fit(X)
        part = forest[:batch_size]
        yield f"transform {name}", lambda m=model, X=part: m.transform(X)


def example_cases(folder):
    """Yield (name, {side: a function that runs the example in a process})."""
    for path in sorted(EXAMPLES.glob("plot_*.py")):
        script = Path(folder, path.name)  # the picture is written beside it
        script.write_text(path.read_text("utf-8"), "utf-8")
        yield (
            path.stem,
            {
                "one": [1, script],
                "automatic": [2, script],
                "two": [2, "-c", FORCED, script],  # the last: see measure_example
            },
        )


def run(n_threads, *arguments, timeout=None):
    environment = os.environ | {
        "OPENBLAS_NUM_THREADS": str(n_threads),
        "MPLBACKEND": "Agg",
    }
    subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=timeout,
    )


def measure(function, n_rounds, min_seconds):
    """Return the median seconds of each side, in turn."""
    with threadpool_limits(1):
        function()
        n_calls = max(1, round(min_seconds / timed(function, 1)))
    seconds = {side: [] for side in SIDES}
    for _ in range(n_rounds):
        for side, context in SIDES.items():
            with context():
                timed(function, -(-n_calls // 4))  # threads of the side before spin
                seconds[side].append(timed(function, n_calls))
    return {side: median(values) for side, values in seconds.items()}


def measure_example(commands, n_rounds):
    """Return the median seconds of each side of an example, in turn.

    The side of two threads may take many times as long as the others beside busy
    processes. It is stopped where nothing can be learned from it any more, and left out
    of the other rounds.
    """
    seconds = {side: [] for side in commands}
    stopped = False
    for _ in range(n_rounds):
        for side, command in commands.items():
            if side == "two" and stopped:
                continue
            limit = 2 * max(seconds["one"] + seconds["automatic"], default=np.inf)
            began = time.perf_counter()
            try:
                run(*command, timeout=limit if side == "two" else None)
            except subprocess.TimeoutExpired:
                stopped = True
            seconds[side].append(time.perf_counter() - began)
    return {side: median(values) for side, values in seconds.items()}, stopped


def row(name, seconds, stopped=False):
    """Return a row; `stopped` says that two threads were not waited for."""
    one, two, automatic = (seconds[side] for side in SIDES)
    return (
        name,
        f"{1000 * one:.3g}",
        f"{'>' if stopped else ''}{two / one:.2f}",
        f"{automatic / one:.2f}",
        f"{automatic / min(one, two):.2f}",
        f"{os.getloadavg()[0]:.1f}",
    )


def rows(arguments):
    """Yield the rows of a table."""
    if arguments.examples:
        with tempfile.TemporaryDirectory() as folder:
            for name, commands in example_cases(folder):
                if arguments.only and name not in arguments.only:
                    continue
                yield row(name, *measure_example(commands, arguments.rounds))
        return
    for cases in (dense_cases, tree_cases):
        for name, function in cases():
            seconds = measure(function, arguments.rounds, arguments.seconds)
            yield row(name, seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--idle", action="store_true", help="no busy processes only")
    parser.add_argument("--busy", action="store_true", help="busy processes only")
    parser.add_argument("--examples", action="store_true", help="examples, not shapes")
    parser.add_argument("--only", nargs="+", help="names of examples")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3, help="of a side's turn")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # one epoch does not converge
    print(f"numpy {np.__version__}, {os.cpu_count()} cores\n")
    header = ["one, ms", "two/one", "automatic/one", "slower", "load"]
    if not arguments.busy:
        print_table(["idle", *header], rows(arguments))
    if not arguments.idle:
        with busy_processes():
            print_table(["busy", *header], rows(arguments))


if __name__ == "__main__":
    main()
