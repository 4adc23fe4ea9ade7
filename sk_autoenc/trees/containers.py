"""Lists and tuples as they are, past what a subclass says of its length and items."""

from collections.abc import Iterable, Mapping, Set


def can_be_listed(obj):
    """Tell if ``list(obj)`` gives what an object holds, in its order.

    Parameters
    ----------
    obj : object

    Returns
    -------
    bool
        False of text, mappings and sets.
    """
    return isinstance(obj, Iterable) and not isinstance(
        obj, str | bytes | bytearray | Mapping | Set
    )


def is_kind(obj, *kinds):
    """Tell if an object is of these classes, past a ``__class__`` that says otherwise.

    Parameters
    ----------
    obj : object
    *kinds : type

    Returns
    -------
    bool
    """
    return issubclass(type(obj), kinds)


def own_items(container):
    """Iterate over what a list or tuple holds, past an ``__iter__`` of a subclass.

    Parameters
    ----------
    container : list or tuple

    Returns
    -------
    iterator
    """
    return (list if is_kind(container, list) else tuple).__iter__(container)
