"""Check docstrings of all public objects with numpydoc; print what it finds.

Public are the names of `sk_autoenc.__all__`, and of their classes the methods and
properties that do not begin with an underscore and are written in this package. The
checks are those of `[tool.numpydoc_validation]` in pyproject.toml; a property needs
neither an example nor a "See Also".
"""

import inspect
import sys
import tomllib
from pathlib import Path

from numpydoc.validate import validate

import sk_autoenc

NOT_OF_A_PROPERTY = {"EX01", "SA01"}
PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def members(cls):
    """Public methods and properties that this package wrote: name, is it a property."""
    for name, _ in inspect.getmembers(cls):
        static = inspect.getattr_static(cls, name)
        written = getattr(static, "fget", None) or getattr(static, "__func__", static)
        written = inspect.unwrap(written) if callable(written) else written
        module = getattr(written, "__module__", None) or ""
        if not name.startswith("_") and module.startswith("sk_autoenc"):
            yield name, isinstance(static, property)


def public():
    """All public objects: the full name, is it a property."""
    for name in sk_autoenc.__all__:
        shown = getattr(sk_autoenc, name)
        path = f"{shown.__module__}.{name}"
        yield path, False
        if inspect.isclass(shown):
            for member, is_property in members(shown):
                yield f"{path}.{member}", is_property


def main():
    settings = tomllib.loads(PYPROJECT.read_text())["tool"]["numpydoc_validation"]
    checks = set(settings["checks"])
    objects = list(public())
    found = [
        f"{name}: {code} {message}"
        for name, is_property in objects
        for code, message in validate(name)["errors"]
        if code in checks - (NOT_OF_A_PROPERTY if is_property else set())
    ]
    print(*found, f"{len(found)} failures in {len(objects)} public objects", sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
