"""Training on data that lie in several shards, such as parts on other machines.

Facts of the shards add up to those of all data and say what is to be trained; at each
step, sums over rows of the shards add up to the objective. What is random of a row
depends on the seed, the step, its shard and the other rows there, but not on where, how
often or in which order it is computed: work that is lost can be done again.
"""

import copy
import threading
from collections.abc import Callable, Iterable
from functools import partial, reduce
from typing import Any, NamedTuple, Protocol

import numpy as np
import scipy.sparse
from sklearn.base import clone

from sk_autoenc._compat import with_callbacks
from sk_autoenc._typing import Directory, IntArray
from sk_autoenc.base import VALIDATION_STREAM, Fitted, Problem, adopt, fitted_copy
from sk_autoenc.objectives import SumOverChunks, in_turn, total
from sk_autoenc.validation import FEATURE_ATTRIBUTES

Result = tuple[float, Any]
"""A value and a gradient."""


AGREED = (*FEATURE_ATTRIBUTES, "input_kind_")
"""Fitted attributes that all shards must have alike."""


NOT_SUMS = {
    "sparsity": (
        "it is about the means of units over a whole batch, which is not in one place. "
        "Use sparsity=0; contraction is a sum over rows."
    ),
    "reconstruction_sampling": (
        "it steps only where a batch has features, which is not known in one place. "
        "Use reconstruction_sampling=None, or fit on one machine."
    ),
}
"""Parameters, and why they are refused."""


class Shard(NamedTuple):
    """Stands for the objective of a shard, where the shard is not."""

    number: int
    n_rows: int
    alpha: float
    stream: int
    """Its number among those that have rows: empty ones change nothing."""


class Task(NamedTuple):
    """Some rows of a shard."""

    number: int
    """Of the shard."""
    rows: Any
    """Indices, or a slice of all."""
    stream: list[int]
    """Names the random numbers."""


class Fleet(Protocol):
    """Whoever knows where the shards are, and has work done there.

    One that knows names of features, which its parts do not have, has them as `names`.
    """

    def read(self, read: Callable[[Any], tuple[Any, Any]]) -> list[Any]:
        """Have every part read, which makes a shard of it.

        ``read(part)`` -> data of the shard, and what is to be known of it: the list has
        that of each shard, in order.
        """

    def each(self, function: Callable[..., Any], *lists: list[Any]) -> list[Any]:
        """Return ``function(data, *arguments)`` of each shard, in order.

        Its arguments are those of its place in the lists.
        """

    def begin(self, workshop: "Workshop") -> None:
        """Put a workshop where the shards are."""

    def totals(
        self, function: Callable[..., Result], tasks: list[Task]
    ) -> Iterable[Result]:
        """Return the totals of some tasks each, `Workshop.total`, together of all."""


class InProcess:
    """A `Fleet` of one process, which holds all parts in memory."""

    def __init__(self, parts: list[Any]) -> None:
        self.parts = parts

    def read(self, read: Callable[[Any], tuple[Any, Any]]) -> list[Any]:
        """Read all parts."""
        self.data, known = [], []
        for number, part in enumerate(self.parts):
            try:
                data, of_part = read(part)
            except Exception as error:
                note_part(error, number)
                raise
            self.data.append(data)
            known.append(of_part)
        return known

    def each(self, function: Callable[..., Any], *lists: list[Any]) -> list[Any]:
        """Call a function with the data of each shard."""
        return [function(*given) for given in zip(self.data, *lists, strict=True)]

    def begin(self, workshop: "Workshop") -> None:
        """Keep the workshop."""
        self.workshop = workshop

    def totals(
        self, function: Callable[..., Result], tasks: list[Task]
    ) -> list[Result]:
        """Return one total."""
        data = [self.data[task.number] for task in tasks]
        return [self.workshop.total(function, tasks, data)]


class Workshop:
    """Makes objectives of shards: all that work on them needs, but data.

    Every thread, copy and pickle has memory of its own.
    """

    def __init__(
        self,
        objective_of: Callable[[Any, Any], Any],
        make_corruption: Callable[[np.random.Generator], Any],
    ) -> None:
        self.objective_of = objective_of
        self.make_corruption = make_corruption
        self._of_thread = threading.local()

    def __reduce__(self) -> Any:
        return Workshop, (self.objective_of, self.make_corruption)

    def total(
        self,
        function: Callable[..., Result],
        tasks: list[Task],
        data: Iterable[Any],
    ) -> Result:
        """Add up ``function(objective, rows)`` of tasks and their shards' data."""
        objectives = (
            self.objective(of_shard, task.stream)
            for task, of_shard in zip(tasks, data, strict=True)
        )
        return total(in_turn(function, objectives, [task.rows for task in tasks]))

    def objective(self, data: Any, stream: list[int]) -> Any:
        """Make the objective of a shard, with the random numbers of a stream."""
        if not hasattr(self._of_thread, "objective_of"):
            self._of_thread.objective_of = copy.deepcopy(self.objective_of)
        rng = np.random.Generator(np.random.SFC64(stream))
        return self._of_thread.objective_of(data, self.make_corruption(rng))


class Steps:
    """The `map` of `SumOverChunks`: counts the steps, which name random numbers."""

    def __init__(self, fleet: Fleet, seed: list[int]) -> None:
        self.fleet = fleet
        self.draws = seed, 0
        """The seed, and how many steps there were."""

    def __call__(
        self, function: Any, shards: list[Shard], rows: list[Any]
    ) -> Iterable[Result]:
        """Begin the next step."""
        seed, n_steps = self.draws
        self.draws = seed, n_steps + 1
        return self.fleet.totals(function, self._tasks(shards, rows, n_steps))

    def held_out(
        self, function: Any, shards: list[Shard], rows: list[Any]
    ) -> Iterable[Result]:
        """Look at held-out rows, with the same random numbers at every call."""
        return self.fleet.totals(function, self._tasks(shards, rows, VALIDATION_STREAM))

    def _tasks(self, shards: list[Shard], rows: list[Any], stream: int) -> list[Task]:
        seed, _ = self.draws
        return [
            Task(shard.number, some, [*seed, stream, shard.stream])
            for shard, some in zip(shards, rows, strict=True)
        ]


def fit_shards(
    estimator: Fitted, fleet: Fleet, checkpoint: Directory | None = None
) -> Fitted:
    """Do what `estimator.fit` does, with all data in shards.

    Without random numbers but those of the start and the order of the rows it is the
    same, to rounding.
    """
    problem = problem_of_shards(estimator, fleet)
    if problem is not None:
        train(estimator, on_shards(problem, fleet), checkpoint)
    return estimator


@with_callbacks
def train(estimator: Any, problem: Problem, checkpoint: Directory | None) -> None:
    """Train as `fit` does, with scikit-learn's callbacks set up and taken down."""
    estimator._train(problem, checkpoint)


def problem_of_shards(estimator: Any, fleet: Fleet) -> Problem | None:
    """Look at all shards, and say what is to be trained, but for the objective.

    None: nothing is to be trained any more, since looking was enough.
    """
    refuse_what_does_not_add_up(estimator)
    goes_on = getattr(estimator, "warm_start", False)
    reset = not (goes_on and estimator.__sklearn_is_fitted__())
    settings = estimator._settings(reset)
    reader = clone(estimator) if reset else fitted_copy(estimator)
    if getattr(fleet, "names", None) is not None:  # they come with the fleet instead
        vars(reader).pop("feature_names_in_", None)
    known = fleet.read(partial(read_part, reader, settings, reset))
    learned = learned_of_all(known)
    if hasattr(estimator, "_learned_by_sums"):
        each = partial(of_shards_with_rows, fleet, known)
        adopt(estimator, estimator._learned_by_sums(settings, learned, each))
        return None
    facts = facts_of_all([each["facts"] for each in known if each["n_rows"]])
    if not reset:
        refuse_other_names(estimator, learned)
        learned = estimator._fitted_state()
    problem: Problem = estimator._outline(settings, facts, learned, reset)
    return problem._replace(lengths=tuple(each["n_rows"] for each in known))


def on_shards(problem: Problem, fleet: Fleet) -> Problem:
    """Return a problem whose objective is the sum over shards."""
    fleet.begin(Workshop(problem.objective_of, problem.make_corruption))
    draws, n_rows = problem.draws, problem.lengths
    steps = Steps(fleet, [*draws.entropy, draws.n_samples_seen])
    streams = np.cumsum(np.array(n_rows) > 0).tolist()
    shards = [
        Shard(number, n, problem.settings.alpha, stream)
        for number, (n, stream) in enumerate(zip(n_rows, streams, strict=True))
    ]
    held_out = SumOverChunks(shards, steps.held_out)

    def judge(parameters: Any, rows: IntArray) -> float:
        return float(held_out.sum_of_losses(parameters, rows) / len(rows))

    return problem._replace(
        objective=SumOverChunks(shards, steps), judge=judge, way=f"in parts of {n_rows}"
    )


def read_part(
    estimator: Any, settings: Any, reset: bool, X: Any
) -> tuple[Any, dict[str, Any]]:
    """Return the data of a part, checked, and what is to be known of it.

    That is its number of rows, the attributes that all must agree on and, of an
    estimator that needs them, facts. Data of a part without rows are None.
    """
    if not hasattr(X, "shape") and not hasattr(X, "__len__"):
        X = list(X)  # an iterator
    if not len_of(X):
        return None, {"n_rows": 0}
    data, learned = estimator._read(aligned(X), reset)
    known = {name: learned[name] for name in AGREED if name in learned}
    if hasattr(estimator, "_facts"):
        known["facts"] = estimator._facts(settings, data)
    return data, {"n_rows": len_of(X), **known}


def facts_of_all(parts: list[Any]) -> Any:
    """Add up the facts of one part or more."""
    return reduce(lambda one, other: one.added(other), parts)


def aligned(X: Any) -> Any:
    """Return an array whose numbers lie where the processor likes to read them.

    What came over a network may lie at any byte, and would be copied at each step.
    """
    if isinstance(X, np.ndarray) and not X.flags.aligned:
        return X.copy()
    if scipy.sparse.issparse(X) and not X.data.flags.aligned:
        return X.copy()
    return X


def of_shards_with_rows(
    fleet: Fleet, known: list[Any], function: Callable[..., Any], *lists: list[Any]
) -> list[Any]:
    """Return ``function(data, *arguments)`` of each shard that has rows.

    The lists have arguments of these shards.
    """
    is_there = [each["n_rows"] > 0 for each in known]
    spread = [
        [next(given) if there else None for there in is_there]
        for given in map(iter, lists)
    ]
    found = fleet.each(partial(unless_none, function), *spread)
    return [each for each, there in zip(found, is_there, strict=True) if there]


def unless_none(function: Callable[..., Any], data: Any, *arguments: Any) -> Any:
    """Call a function unless there are no data."""
    return None if data is None else function(data, *arguments)


def note_part(error: Exception, number: int) -> None:
    """Note in an error which part of X it is about."""
    error.add_note(f"This is about partition {number} of X, counted from 0.")


def learned_of_all(known: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what was learned of every shard, which must be the same."""
    first: dict[str, Any] | None = None
    for number, of_shard in enumerate(known):
        learned = {name: of_shard[name] for name in AGREED if name in of_shard}
        if not of_shard["n_rows"]:
            continue
        if first is None:
            first, number_of_first = learned, number
        for name in AGREED:
            one, other = first.get(name), learned.get(name)
            if not np.array_equal(np.array(one), np.array(other)):
                raise ValueError(
                    f"All partitions of X must have the same features, but {name} of "
                    f"partition {number_of_first} is {one!r:.200}, and of partition "
                    f"{number} it is {other!r:.200}."
                )
    if first is None:
        raise ValueError(
            f"X has 0 samples in {len(known)} partitions, while at least 1 is required."
        )
    return first


def refuse_other_names(estimator: Any, learned: dict[str, Any]) -> None:
    """Refuse to go on with features of other names, or in another order."""
    known = getattr(estimator, "feature_names_in_", None)
    names = learned.get("feature_names_in_")
    if known is not None and names is not None and not np.array_equal(known, names):
        raise ValueError(
            f"The features of X are {names.tolist()}, but {type(estimator).__name__}, "
            f"which is to go on, was fitted on {known.tolist()}, in that order."
        )


def len_of(X: Any) -> int:
    """Return the number of rows of an array, sparse matrix, data frame or list."""
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def refuse_what_does_not_add_up(estimator: Any) -> None:
    """Refuse an estimator, or settings, whose objective is no sum over shards."""
    name = type(estimator).__name__
    if not (hasattr(estimator, "_outline") or hasattr(estimator, "_learned_by_sums")):
        raise TypeError(
            f"{name} cannot be trained on data in parts: it needs all of them at once. "
            "Fit it on a sample that fits into memory, and transform the parts with it."
        )
    for parameter, remedy in NOT_SUMS.items():
        value = getattr(estimator, parameter, None)
        if value:
            raise ValueError(
                f"{parameter}={value!r} of {name} cannot be trained on data in parts: "
                f"{remedy}"
            )
