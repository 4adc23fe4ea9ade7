"""Training on two workers beside one: seconds of a step, efficiency, bytes.

    python benchmarks/bench_dask.py

Both clusters are there all the time and take turns; each worker is a process with one
thread of BLAS, as is this one. A step is one batch of `DenoisingAutoencoder` (784
inputs, float64, Adam), or one evaluation of L-BFGS on all rows.
"""

import argparse
import pickle
import time
from statistics import median

import dask.array as da
import distributed
import numpy as np
from side_by_side import at_threads

from sk_autoenc import DenoisingAutoencoder
from sk_autoenc.base import make_plan, new_solver
from sk_autoenc.dask import partitions
from sk_autoenc.dask_fleet import DaskFleet
from sk_autoenc.objectives import sum_of_chunk
from sk_autoenc.shards import InProcess, on_shards, problem_of_shards
from sk_autoenc.training import run_epoch

N_FEATURES = 784
N_PARTITIONS = 8
CASES = {
    "batch 256, 100 units": (100, 256),
    "batch 1024, 100 units": (100, 1024),
    "batch 4096, 100 units": (100, 4096),
    "batch 16384, 100 units": (100, 16384),
    "batch 1024, 500 units": (500, 1024),
    "batch 4096, 500 units": (500, 4096),
    "batch 16384, 500 units": (500, 16384),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=16384)
    arguments = parser.parse_args()
    X = np.random.default_rng(0).random((arguments.rows, N_FEATURES))
    clusters = [
        distributed.LocalCluster(
            n_workers=n, threads_per_worker=1, dashboard_address=":0"
        )
        for n in (1, 2)
    ]
    clients = [distributed.Client(cluster) for cluster in clusters]
    print(
        "| step | one process | 1 worker | 2 workers | efficiency | overhead | sent |"
    )
    print("|---|---|---|---|---|---|---|")
    with at_threads(1):
        for name, (n_components, batch_size) in CASES.items():
            steps = steps_of(X, n_components, batch_size, clients)
            report(name, steps, arguments.rounds)
    for client in clients:
        client.close()
    for cluster in clusters:
        cluster.close()


def steps_of(X, n_components, batch_size, clients):
    """Return what makes one step: in this process, on one worker, on two."""
    chunks = len(X) // N_PARTITIONS
    parts = [X[start : start + chunks] for start in range(0, len(X), chunks)]
    collection = da.from_array(X, chunks=(chunks, N_FEATURES))
    fleets = [InProcess(parts)]
    fleets += [DaskFleet(client, partitions(collection)) for client in clients]
    return [step_on(fleet, n_components, batch_size) for fleet in fleets]


def step_on(fleet, n_components, batch_size):
    model = DenoisingAutoencoder(n_components, batch_size=batch_size, random_state=0)
    problem = on_shards(problem_of_shards(model, fleet), fleet)
    plan = make_plan(problem, problem.n_samples, warn=False)
    plan = plan._replace(rows_per_epoch=plan.batch_size)
    solver, rows = new_solver(problem), np.arange(problem.n_samples)
    parameters = problem.parameters

    def step():
        run_epoch(problem.objective, parameters, rows, solver, plan)

    step.bytes = len(pickle.dumps((sum_of_chunk, parameters)))
    return step


def report(name, steps, n_rounds):
    """Print a row of the table."""
    seconds = [[] for _ in steps]
    for step in steps:
        step()
    for _ in range(n_rounds):
        for step, values in zip(steps, seconds, strict=True):
            step()
            began = time.perf_counter()
            for _ in range(5):
                step()
            values.append((time.perf_counter() - began) / 5)
    alone, one, two = (median(values) for values in seconds)
    efficiency = median(
        first / (2 * second) for first, second in zip(*seconds[1:], strict=True)
    )
    # Down and up, for each of two workers.
    n_bytes = 2 * 2 * steps[0].bytes
    print(
        f"| {name} | {1e3 * alone:.0f} ms | {1e3 * one:.0f} ms | {1e3 * two:.0f} ms | "
        f"{efficiency:.2f} | {1e3 * (one - alone):.0f} ms | {n_bytes / 1e6:.1f} MB |",
        flush=True,
    )


if __name__ == "__main__":
    main()
