"""How shards live on the workers of a Dask cluster, and who is asked for them."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import distributed

from sk_autoenc.shards import Result, Task, Workshop, note_part

SECONDS_BETWEEN_LOOKS = 1.0
"""After which a step asks whether workers have gone."""
FEW_WORKERS = 4
"""To which parameters are sent one by one."""


class DaskFleet:
    """Has work done on the workers of a cluster, as `shards.Fleet` says.

    All of it is tasks without a state, on futures of the shards: if a worker dies, the
    scheduler makes its shards anew from the partitions, and repeats what was lost.
    """

    def __init__(self, client: Any, parts: list[Any]) -> None:
        self.client = client
        self.parts = parts
        self.data: list[Any] = []
        self.futures: list[Any] = []
        self.worker_of: dict[int, str] = {}
        self.time_of_look = 0.0

    def read(self, read: Callable[[Any], tuple[Any, Any]]) -> list[Any]:
        """Read every part on its worker."""
        reader, parts = self._put(read), self.client.compute(self.parts)
        pairs = [self._submit(call, reader, part) for part in parts]
        known = self._gather(
            [self._submit(second, pair) for pair in pairs], of_parts=True
        )
        self.data = [self._submit(first, pair) for pair in pairs]
        return known

    def each(self, function: Callable[..., Any], *lists: list[Any]) -> list[Any]:
        """Call a function with the data of each shard, on their workers."""
        called = self._put(function)
        return self._gather(
            [
                self._submit(call, called, *given)
                for given in zip(self.data, *lists, strict=True)
            ],
            of_parts=True,
        )

    def begin(self, workshop: Workshop) -> None:
        """Put a workshop on the workers."""
        self.workshop = self._put(workshop)
        self._look_who_has()

    def totals(
        self, function: Callable[..., Result], tasks: list[Task]
    ) -> list[Result]:
        """Return the totals of the tasks of each worker."""
        if time.monotonic() > self.time_of_look + SECONDS_BETWEEN_LOOKS:
            self._look_for_workers()
        in_order = sorted(tasks, key=self._worker_of)
        groups = [list(group) for _, group in groupby(in_order, key=self._worker_of)]
        # To many workers the parameters go as one task, whose value they pass on to
        # each other: it is made again if the worker that has it dies. To few they go
        # with the tasks: that is one message, where each takes milliseconds.
        shared = function if len(groups) <= FEW_WORKERS else self._put(function)
        futures = self.client.map(
            total_of_worker,
            [self.workshop] * len(groups),
            [shared] * len(groups),
            groups,
            # Each group runs where these are.
            [[self.data[task.number] for task in group] for group in groups],
            pure=False,
        )
        # Those of the last step are given up now, and not before: the client sends one
        # message in ten milliseconds, which is to be that of the step.
        self.futures = futures
        return self._gather(futures)

    def _worker_of(self, task: Task) -> str:
        return self.worker_of[task.number]

    def _look_for_workers(self) -> None:
        with self._connected():
            workers = self.client.scheduler_info(n_workers=-1)["workers"]
        if not set(self.worker_of.values()) <= set(workers):
            self._look_who_has()
        self.time_of_look = time.monotonic()

    def _look_who_has(self) -> None:
        with self._connected(), self.client.as_current():  # it need not be the default
            distributed.wait(self.data)
            who_has = self.client.who_has(self.data)
        self.worker_of = {
            number: min(who_has[future.key], default="")
            for number, future in enumerate(self.data)
        }

    def _put(self, value: Any) -> Any:
        """Make a value a task: workers pass it on to each other.

        If the one that has it dies it is made again, as scattered data are not.
        """
        return self._submit(same, value)

    def _submit(self, function: Any, *arguments: Any, **settings: Any) -> Any:
        return self.client.submit(function, *arguments, pure=False, **settings)

    def _gather(self, futures: list[Any], *, of_parts: bool = False) -> list[Any]:
        with self._connected():
            try:
                gathered: list[Any] = self.client.gather(futures)
            except Exception as error:
                failed = [n for n, each in enumerate(futures) if each.status == "error"]
                if failed and of_parts:
                    note_part(error, failed[0])
                raise
        return gathered

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Say so if the scheduler is lost."""
        try:
            yield
        except Exception as error:
            is_cancelled = isinstance(error, asyncio.CancelledError | CancelledError)
            if self.client.status == "running" and not is_cancelled:
                raise
            raise ConnectionError(
                "The Dask scheduler was lost during training; the estimator is as "
                "it was before. Start a cluster, and fit again."
            ) from error


@contextmanager
def aside() -> Iterator[None]:
    """Within a task, give the worker's thread free: it is to work on other tasks."""
    try:
        distributed.get_worker()
    except ValueError:  # this is no task
        yield
        return
    distributed.secede()
    try:
        yield
    finally:
        distributed.rejoin()


def check_client(client: Any) -> Any:
    """Refuse what cannot be asked for work."""
    if not isinstance(client, distributed.Client):
        raise TypeError(
            f"client must be a distributed.Client or None; got {client!r:.200}. Make "
            "one of a cluster or an address by distributed.Client(...)."
        )
    if client.asynchronous or client.status != "running":
        state = "asynchronous" if client.asynchronous else client.status
        raise ValueError(
            f"client must be one that waits and is running; this one is {state}. Make "
            "another by distributed.Client(...)."
        )
    return client


def current_client() -> Any:
    """Return the client that is in use, or None."""
    try:
        return distributed.get_client()
    except ValueError:  # there is none
        return None


# What the workers run:


def same(value: Any) -> Any:
    """Return a value: a task that does so puts it on a worker."""
    return value


def call(function: Any, *arguments: Any) -> Any:
    """Call a function that is itself the value of a task."""
    return function(*arguments)


def first(pair: tuple[Any, Any]) -> Any:
    """Return the data of a shard."""
    return pair[0]


def second(pair: tuple[Any, Any]) -> Any:
    """Return what is known of a shard."""
    return pair[1]


def total_of_worker(
    workshop: Workshop,
    function: Callable[..., Result],
    tasks: list[Task],
    data: list[Any],
) -> Result:
    """Return the total of what is on one worker."""
    return workshop.total(function, tasks, data)
