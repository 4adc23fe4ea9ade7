"""Building from the leaves of a tree of any objects up, without recursion."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from numbers import Number
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from sk_autoenc._typing import AnyTree
from sk_autoenc.trees.containers import is_kind, own_items
from sk_autoenc.trees.nodes import path_in_words

ATOMS = (str, bytes, int, float, np.generic)
"""What is a token for sure."""
KEYS = {str, bytes, int, bool}
"""Told apart by value: equal ones are one node, though they may be two objects."""
NOT_CHILDREN = (str, bytes, Mapping)
"""What can be iterated over but holds no children: characters, keys."""


Children: TypeAlias = Callable[[Any], Iterable[Any] | None]
Value: TypeAlias = Callable[[Any], Any]
Build: TypeAlias = Callable[[Any, list[AnyTree]], AnyTree]


class Refused(Exception):
    """What is wrong with a node; the walk adds where that is."""

    def __init__(self, problem: str, kind: type[Exception] = ValueError) -> None:
        super().__init__(problem)
        self.kind = kind
        """The exception that a user gets."""


class Frame(NamedTuple):
    """An inner node on the way from the root to where the walk is."""

    node: Any
    rest: Iterator[Any]
    """Children that are still to come."""
    trees: list[AnyTree]
    """Those of the children before them."""


def identity(node: Any) -> Hashable:
    """Give what tells a node from others: its id, or its value if it is a key.

    So a key of a dict is the same node wherever it comes from. The types belong to it:
    1 and True are two.
    """
    if type(node) in KEYS:
        return type(node), node
    if type(node) is tuple and all(type(item) in KEYS for item in node):
        return tuple(map(type, node)), node
    return id(node)


def convert(
    root: Any,
    children: Children,
    leaf: Value,
    inner: Build,
    identity: Callable[[Any], Hashable] = identity,
) -> AnyTree:
    """Build from the leaves up, without recursion.

    Parameters
    ----------
    root : object
    children : callable
        Of a node: its children, None or nothing.
    leaf : callable
        Of a node without children: its tree.
    inner : callable
        Of a node with children and the list of their trees: its tree.
    identity : callable, default=identity
        Of a node: what is the same for two nodes only if they are one.

    Returns
    -------
    tree : object
        What `leaf` or `inner` gave for the root.

    Notes
    -----
    Nodes that are finished are kept: that finds what is shared, and while a node is
    kept nothing else has its id.
    """
    finished: dict[Hashable, tuple[Any, AnyTree]] = {}
    depths: dict[Hashable, int] = {}  # of the nodes on the way to the current one
    frames = [Frame(None, iter((root,)), [])]
    while True:
        frame = frames[-1]
        for node in frame.rest:
            key = identity(node)
            if key in depths:
                raise ValueError(_cycle(frames, depths[key], node))
            if key in finished:
                frame.trees.append(finished[key][1])
                continue
            below = _ask(frames, lambda node: as_list(children(node)), node)
            if below:
                depths[key] = len(frames)
                frames.append(Frame(node, iter(below), []))
                break
            frame.trees.append(_ask(frames, leaf, node))
        else:
            frames.pop()
            if not frames:
                return frame.trees[0]
            tree = _ask(frames, inner, frame.node, frame.trees)
            key = identity(frame.node)
            del depths[key]
            finished[key] = frame.node, tree
            frames[-1].trees.append(tree)


def _ask(frames: list[Frame], function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function; what it raises says where in the tree that was."""
    try:
        return function(*arguments)
    except Refused as error:
        raise error.kind(f"{_where(frames)}: {error}") from None
    except Exception as error:
        error.add_note(_where(frames))
        raise


def as_list(given: Any) -> list[Any]:
    """Make a list of what `children` gave for a node, or refuse it."""
    if given is None:
        return []
    if not isinstance(given, NOT_CHILDREN):
        try:
            return list(given)
        except TypeError:
            pass
    raise Refused(
        f"children gave a {type(given).__name__!r}; expected a list of nodes, or None "
        "or nothing for a node without children",
        TypeError,
    )


def checked(value: Any, role: str) -> Any:
    """Give back a leaf, or a label that is to be one, or refuse it."""
    problem = leaf_problem(value)
    if problem:
        raise Refused(f"{role} gave {problem}")
    return value


def leaf_problem(value: Any) -> str | None:
    """Say what is wrong with a leaf; None if it is a token, vector or record."""
    if isinstance(value, ATOMS) or value is None or isinstance(value, Mapping):
        return None
    allowed = (
        "a leaf is a token (hashable), a vector (a list of numbers, an array) or a "
        "record (a dict)"
    )
    if is_kind(value, tuple):
        return (
            f"a tuple, which would be an inner node; {allowed}: join its parts to one "
            "string, say"
        )
    if is_kind(value, list):
        wrong = next((item for item in value if not isinstance(item, Number)), None)
        if wrong is None:
            return None if list(own_items(value)) else f"an empty vector; {allowed}"
        return f"a list with a {type(wrong).__name__!r} in it; {allowed}"
    if getattr(value, "shape", None) == (0,):
        return f"an empty vector; {allowed}"
    try:
        hash(value)
    except TypeError:
        if not hasattr(value, "__array__"):
            return f"a {type(value).__name__!r}; {allowed}"
    return None


def _steps(frames: list[Frame]) -> list[int]:
    """Give the numbers of the children on the way from the root to the current node."""
    return [len(frame.trees) for frame in frames[1:]]


def _where(frames: list[Frame]) -> str:
    return f"at {path_in_words(_steps(frames))}"


def _cycle(frames: list[Frame], depth: int, node: Any) -> str:
    ancestor = path_in_words(_steps(frames)[: depth - 1])
    return (
        f"not a tree: the {type(node).__name__!r} {_where(frames)} is its own "
        f"ancestor, the one at {ancestor}. A node may stand at several places, but "
        "not below itself: leave links to parents out of children"
    )
