"""Rows from files beside the same rows in memory: seconds of a fit, as ratios.

    python benchmarks/bench_out_of_core.py

Files are written to a temporary folder, and read from the system's cache: what is
measured is what reading in blocks costs, not the disk. Each pair of fits alternates.
"""

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import zarr
from side_by_side import at_threads

from sk_autoenc import DenoisingAutoencoder, out_of_core

N_FEATURES = 784
BUFFER_BYTES = 2**26


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    X = np.random.default_rng(0).random((arguments.rows, N_FEATURES), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        forms = write(X, Path(folder))
        print(
            f"{len(X)} x {N_FEATURES} float32, {X.nbytes / 1e6:.0f} MB, buffer "
            f"{BUFFER_BYTES / 1e6:.0f} MB, 2 epochs of batches of 200\n"
        )
        print("| rows in | units | in memory, s | from the file, s | memory / file |")
        print("|---|---|---|---|---|")
        with at_threads(1):
            for name, data in forms.items():
                for n_components in (16, 100, 500):
                    compare(name, n_components, X, data, arguments.rounds)
        for name, data in forms.items():
            began = time.perf_counter()
            for block in out_of_core.blocks_of(out_of_core.source_of(data)):
                block.sum()
            speed = X.nbytes / (time.perf_counter() - began) / 1e6
            print(f"\n{name}: its blocks alone are read at {speed:.0f} MB/s", end="")
        print()


def write(X, folder):
    """Write the rows in each form; return what is passed to `fit`."""
    np.save(folder / "X.npy", X)
    array = zarr.create_array(
        str(folder / "X.zarr"), shape=X.shape, chunks=(2000, N_FEATURES), dtype=X.dtype
    )
    array[:] = X
    names = [f"x{k}" for k in range(N_FEATURES)]
    table = pa.table(list(X.T), names=names)
    path = folder / "X.parquet"
    pyarrow.parquet.write_table(table, path, row_group_size=10_000)
    return {
        "memory map": np.load(folder / "X.npy", mmap_mode="r"),
        "zarr": array,
        "Parquet": pyarrow.dataset.dataset(path),
    }


def compare(name, n_components, X, data, n_rounds):
    """Print a row of the table."""
    seconds = {"memory": [], "file": []}
    for _ in range(n_rounds):
        model = DenoisingAutoencoder(
            n_components, batch_size=200, max_iter=2, random_state=0
        )
        began = time.perf_counter()
        model.fit(X)
        seconds["memory"].append(time.perf_counter() - began)
        began = time.perf_counter()
        out_of_core.fit(model, data, buffer_bytes=BUFFER_BYTES)
        seconds["file"].append(time.perf_counter() - began)
    ratio = np.median(np.divide(seconds["memory"], seconds["file"]))
    memory, file = (np.median(each) for each in seconds.values())
    print(f"| {name} | {n_components} | {memory:.2f} | {file:.2f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
