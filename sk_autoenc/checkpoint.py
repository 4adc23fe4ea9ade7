"""Checkpoints: what a run has done so far, in a directory, so that it can go on."""

import hashlib
import io
import os
import pickle
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

import sk_autoenc

FILE = "checkpoint.pickle"
SECONDS_BETWEEN = 1.0
"""Two checkpoints of one run; of short epochs some are skipped."""


class Checkpoint:
    """The checkpoint of a run in a directory.

    It is written beside the last one and put in its place at one stroke: whatever
    happens, one of the two is there and whole.

    Parameters
    ----------
    directory : str or path-like
        Made if it is missing.
    run : dict
        What names the run: all that must be the same to go on.

    Raises
    ------
    ValueError
        If the checkpoint that is there is of another run, or cannot be read.
    """

    def __init__(self, directory: Any, run: dict[str, Any]) -> None:
        if not isinstance(directory, str | os.PathLike):
            raise TypeError(
                "checkpoint must be a directory, a str or path, or None; got "
                f"{directory!r}."
            )
        self.path = Path(directory) / FILE
        self.run = {"version": sk_autoenc.__version__, **run}
        self.state = self._load()
        self.time_of_last = -SECONDS_BETWEEN
        with naming(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)

    def save(self, state: dict[str, Any]) -> None:
        """Keep a state in the place of the last, if it is time or the run is over."""
        now = time.monotonic()
        if now < self.time_of_last + SECONDS_BETWEEN and not state["is_over"]:
            return
        content = pickled((self.run, state))
        with naming(self.path.parent):
            write_at_once(self.path, content)
        self.time_of_last = time.monotonic()

    def _load(self) -> dict[str, Any] | None:
        if not self.path.exists():
            return None
        remedy = (
            f"Set them back, name another directory, or delete {str(self.path)!r} to "
            "begin anew."
        )
        try:
            run, state = pickle.loads(self.path.read_bytes())
        except Exception as error:  # whatever a damaged pickle raises
            raise ValueError(
                f"{str(self.path)!r} is no checkpoint that can be read: {error}. "
                "Delete it to begin anew."
            ) from error
        other = sorted(
            name
            for name in run.keys() | self.run.keys()
            if run.get(name, self) != self.run.get(name, self)
        )
        if other:
            names = ", ".join(
                f"{name} ({run.get(name)!r:.60} there, {self.run.get(name)!r:.60} now)"
                for name in other
            )
            raise ValueError(
                f"The checkpoint in {str(self.path.parent)!r} is of another run: "
                f"different are {names}. {remedy}"
            )
        kept: dict[str, Any] = state
        return kept


def name_of_run(
    estimator: BaseEstimator, problem: Any, labels: object
) -> dict[str, Any]:
    """Return what must be the same for a run to go on from a checkpoint."""
    settings = {
        name: name_of_value(value)
        for name, value in vars(problem.settings).items()
        if name != "verbose"
    }
    n_seen, flat = problem.draws.n_samples_seen, problem.parameters.flat
    return {
        "estimator": type(estimator).__name__,
        **settings,
        "n_samples": problem.n_samples,
        "n_samples seen before": n_seen,
        # Else they follow from the seed.
        "parameters at the start": digest_of_value(flat) if n_seen else None,
        "shapes of parameters": dict(problem.parameters.shapes),
        "dtype": flat.dtype.name,
        "facts of X": digest_of_value(problem.facts),
        "labels": digest_of_value(labels),
        "way of reading X": problem.way,
    }


def name_of_value(value: Any) -> str:
    """Return what tells one setting from another, also in another process."""
    if isinstance(value, np.random.RandomState):
        return "a RandomState"  # it goes on, wherever it was
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if callable(value) or isinstance(value, np.ndarray | BaseEstimator):
        return digest_of_value(value)
    return repr(value)


def digest_of_value(value: Any) -> str:
    """Return a digest of what can be pickled."""
    # Not of which of its objects are one and the same.
    return hashlib.sha256(pickled(value, tells_shared=False)).hexdigest()


def pickled(value: Any, *, tells_shared: bool = True) -> bytes:
    """Pickle what is kept, or what tells runs apart."""
    content = io.BytesIO()
    pickler = pickle.Pickler(content)
    pickler.fast = not tells_shared
    try:
        pickler.dump(value)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"checkpoint keeps a run as a pickle, which failed: {error}. A corruption "
            "of your own must be a function of a module."
        ) from error
    return content.getvalue()


@contextmanager
def naming(directory: Path) -> Iterator[None]:
    """Say in an error of the file system what it was about."""
    try:
        yield
    except OSError as error:
        error.add_note(
            f"This is about checkpoint={str(directory)!r}, which must be a directory "
            "that can be written to, or made. What was kept there before is whole."
        )
        raise


def write_at_once(path: Path, content: bytes) -> None:
    """Write a file that is there as a whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
