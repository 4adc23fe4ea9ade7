"""What an estimator has learned, as plain values: numbers, strings, arrays, containers.

A fitted estimator keeps helpers, such as its solver or the encoding of a table. When it
is pickled or saved by skops they become dicts of their fields, and helpers again when
it is loaded: so who opens a saved model need not trust more classes than the
estimator's own. To add a helper: decorate its class by `kept_plain`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

KIND = "sk_autoenc helper"
"""The key, of a dict that stands for a helper, whose value names the class."""


class Kind(NamedTuple):
    """How a helper is taken apart and put together again."""

    cls: type
    parts: Callable[[Any], dict[str, Any]]
    """``parts(helper)`` -> what is kept of it, by name."""
    make: Callable[..., Any]
    """``make(**parts)`` -> the helper."""


KINDS: dict[str, Kind] = {}
"""By the name of the class."""


def kept_plain(
    cls: Any = None,
    *,
    fields: tuple[str, ...] | Literal["all"] | None = None,
    make: str | None = None,
) -> Any:
    """Say of a class what of its instances is kept.

    Parameters
    ----------
    cls : type
        A class whose name no other helper has.
    fields : tuple of str, "all" or None, default=None
        The attributes that are enough. "all": whichever an instance has, which are set
        again without `__init__`. None: the fields of a named tuple.
    make : str, default=None
        Name of a classmethod that takes them as keywords; None: the class itself.
    """

    def register(cls: Any) -> Any:
        if cls.__name__ in KINDS:
            raise TypeError(f"there is another helper of the name {cls.__name__}")
        if fields == "all":
            kind = Kind(cls, vars, partial(with_attributes, cls))
        else:
            names = fields or cls._fields
            builder = cls if make is None else getattr(cls, make)
            kind = Kind(cls, partial(attributes, names), builder)
        KINDS[cls.__name__] = kind
        return cls

    return register if cls is None else register(cls)


def attributes(names: tuple[str, ...], helper: Any) -> dict[str, Any]:
    """Return some attributes of a helper."""
    return {name: getattr(helper, name) for name in names}


def with_attributes(cls: type, /, **values: Any) -> Any:
    """Make an instance that has these attributes, without `__init__`."""
    helper: Any = object.__new__(cls)
    vars(helper).update(values)
    return helper


def plain(value: Any) -> Any:
    """Return a value with dicts in the place of helpers, however deep they lie."""
    kind = KINDS.get(type(value).__name__)
    if kind is not None and type(value) is kind.cls:
        parts = kind.parts(value)
        return {KIND: type(value).__name__, **{k: plain(v) for k, v in parts.items()}}
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    if type(value) is dict:
        return {key: plain(part) for key, part in value.items()}
    return value


def revived(value: Any) -> Any:
    """Return a value with helpers in the place of the dicts that `plain` made."""
    if type(value) in (list, tuple):
        return type(value)(map(revived, value))
    if type(value) is not dict:
        return value
    parts = {key: revived(part) for key, part in value.items()}
    name = parts.pop(KIND, None)
    if name is None:
        return parts
    if name not in KINDS:
        raise ValueError(f"there is no helper of the name {name}")
    return KINDS[name].make(**parts)
