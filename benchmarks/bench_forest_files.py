"""Trees larger than the memory that they may take: time, and what is held.

``python benchmarks/bench_forest_files.py [--nodes 1e8] [--limit 600]``. Writes so many
nodes into a temporary directory, 65 bytes each: random trees of 5 to 35 leaves, each
leaf a float32 vector of its own of length 16. Then opens them and does all else with at
most `--limit` MB more than an idle process has (Linux; RLIMIT_DATA, which does not
count what is mapped). Prints a Markdown table; "MB" is what the process held of its
own, beside the files, after a step, less what it held before the first.
"""

import argparse
import resource
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from data_sets import random_trees

from sk_autoenc import Forest, RecursiveClassifier, UnfoldingRAETransformer

N_FEATURES = 16


def held():
    """Bytes of data of this process, without what is mapped from files."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return 1024 * int(line.split()[1])
    raise OSError("this system does not say what a process holds; Linux does")


def write(path, n_nodes):
    few = Forest.from_nested(random_trees(20_000, N_FEATURES))
    shape = len(few.leaves), N_FEATURES
    rng = np.random.default_rng(0)
    Forest.save_parts(
        path,
        (
            few.with_leaves(rng.standard_normal(shape, np.float32))
            for _ in range(-(-n_nodes // len(few.size)))
        ),
    )


def by_slices(model, forest):
    for start in range(0, len(forest), 100_000):
        model.transform(forest[start : start + 100_000])


def steps(path):
    """Yield the name of each step, once it is done."""
    forest = Forest.open(path)
    yield "`Forest.open`"
    forest[np.random.default_rng(0).integers(0, len(forest), 1000)].to_nested()
    yield "1000 trees anywhere, `to_nested`"
    model = UnfoldingRAETransformer(max_iter=1, batch_size=256, random_state=0)
    model.fit(forest)
    yield "`fit`, an epoch"
    codes = model.transform(forest)
    yield f"`transform`, codes of {codes.nbytes >> 20} MB"
    del codes
    by_slices(model, forest)
    yield "`transform` by slices of 100 000 trees"
    model.score_samples(forest)
    yield "`score_samples`"
    y = np.arange(len(forest)) % 2
    model = RecursiveClassifier(16, max_iter=1, batch_size=256, random_state=0)
    model.fit(forest, y)
    yield "`RecursiveClassifier.fit`, an epoch"
    model.predict(forest)
    yield "`predict`"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=float, default=1e7)
    parser.add_argument("--limit", type=int, default=600)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "trees"
        began, before = time.perf_counter(), held()
        write(path, int(arguments.nodes))
        size = sum(file.stat().st_size for file in path.iterdir())
        print(f"{size / 2**30:.2f} GiB in files\n\n| step | s | MB |\n|---|---|---|")
        row = "| {} | {:.1f} | {:.0f} |"
        name = "`Forest.save_parts`"
        print(row.format(name, time.perf_counter() - began, (held() - before) / 2**20))
        before = held()
        limit = before + arguments.limit * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        began = time.perf_counter()
        for name in steps(path):
            now = time.perf_counter()
            taken = (held() - before) / 2**20
            print(row.format(name, now - began, taken), flush=True)
            began = time.perf_counter()


if __name__ == "__main__":
    main()
