"""Examples of libraries that are not installed are skipped, block by block."""

import doctest
import re
from importlib.util import find_spec

import pytest

collect_ignore = ["conftest.py"]
"""Not a module with doctests: of its name there is one more, in tests/."""


def blocks(text):
    """Yield the first line of each fenced block, and that after its last, from 0."""
    fences = [i for i, line in enumerate(text.splitlines()) if line.startswith("```")]
    return zip(fences[::2], fences[1::2], strict=True)


def is_missing(example):
    """Tell whether an example imports a library that is not there."""
    match = re.fullmatch(r"import (\w+)\n", example.source)
    return match is not None and find_spec(match[1]) is None


def pytest_collection_modifyitems(items):
    """Skip the examples of a block whose first one imports what is missing."""
    for item in items:
        if not isinstance(item, pytest.DoctestItem) or item.path.suffix != ".md":
            continue
        for start, end in blocks(item.path.read_text()):
            block = [e for e in item.dtest.examples if start <= e.lineno < end]
            if block and is_missing(block[0]):
                for example in block:
                    example.options[doctest.SKIP] = True
