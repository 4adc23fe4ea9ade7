"""
How does an engine other than Dask train a model?
=================================================

`sk_autoenc.shards.fit_shards` trains on data that lie in several parts, and asks a
`Fleet` to have work done where these are. Here is a `Fleet` of Ray: each part of the
data stays in Ray's store of objects, and every step is one task for each part, which
sends back a value and a gradient.

Rows of random numbers lie in four parts. Without corruption training on them is the
same as `fit` with all rows in memory, to rounding: the largest difference between the
weights is printed. With corruption each part has draws of its own.
"""

import time

import numpy as np
import ray

from sk_autoenc import DenoisingAutoencoder
from sk_autoenc.shards import fit_shards

N_PARTS = 4


class RayFleet:
    """Has work done by tasks of Ray, as `sk_autoenc.shards.Fleet` says.

    Parameters
    ----------
    parts : list of ray.ObjectRef
        Of rows, (n_rows, n_features).
    """

    def __init__(self, parts):
        self.parts = parts
        self.call = ray.remote(lambda function, *arguments: function(*arguments))

    def read(self, read):
        """Make a shard of each part; its data stay where the part is read."""
        read_two = self.call.options(num_returns=2)
        pairs = [read_two.remote(read, part) for part in self.parts]
        self.data = [data for data, _ in pairs]
        return ray.get([known for _, known in pairs])

    def each(self, function):
        """Call a function with the data of each shard."""
        return ray.get([self.call.remote(function, data) for data in self.data])

    def begin(self, workshop):
        """Keep what makes objectives of data."""
        self.workshop = ray.put(workshop)

    def totals(self, function, tasks):
        """Return value and gradient of each task, of which each is of one shard."""
        shared = ray.put(function)  # it holds the parameters
        return ray.get(
            [
                self.call.remote(
                    total_of_task, self.workshop, shared, task, self.data[task.number]
                )
                for task in tasks
            ]
        )


def total_of_task(workshop, function, task, data):
    """Return the total of some rows of one shard: this is what the workers run."""
    return workshop.total(function, [task], [data])


if __name__ == "__main__":
    began = time.perf_counter()
    ray.init(num_cpus=2, logging_level="ERROR", include_dashboard=False)
    X = np.random.default_rng(0).random((2000, 30))
    model = DenoisingAutoencoder(
        8, corruption=None, batch_size=500, max_iter=5, random_state=0
    )

    fleet = RayFleet([ray.put(part) for part in np.array_split(X, N_PARTS)])
    fit_shards(model, fleet)
    on_ray = model.components_.copy()
    ray.shutdown()

    in_memory = model.fit(X).components_
    difference = np.abs(on_ray - in_memory).max()
    print(f"{len(X)} rows in {N_PARTS} parts, {model.n_iter_} epochs")
    print(f"largest difference from fit in memory: {difference:.1e}")
    print(f"{time.perf_counter() - began:.0f} s in all")
