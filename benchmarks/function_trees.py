"""Functions of Python's standard library as labelled syntax trees.

A node's type is its first leaf, ``(type, *children)``, and a node without children is
its type alone; of a constant the type of its value is told, too. Left out are names,
values, decorators, documentation strings, the type that a function is said to return,
and whether a name is read or written.
"""

import ast
import pickle
import sysconfig
from collections import Counter
from pathlib import Path
from platform import python_version

from data_sets import FOLDER

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
BLOCKS = (
    *(ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try),
    ast.ExceptHandler,
)
OF_TESTS = ("test", "setUp", "tearDown")
"""How functions begin that never return a value."""

N_PACKAGES = 10
LEAVES = range(5, 301)
"""How many a tree may have."""


def children_of(node):
    """List what is read of a node's children, in the order of the source."""
    if isinstance(node, FUNCTIONS):
        return [node.args, *(part for part in node.body if not is_text(part))]
    return [
        child
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, ast.expr_context) and not is_text(child)
    ]


def is_text(node):
    """Tell whether a node is a statement that is nothing but a string."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return False
    return isinstance(node.value.value, str)


def syntax_tree(node, hide_returns=False):
    """Give a node as nested tuples of types; None of what is hidden.

    Hidden are returns with all that stands in them, and blocks in which nothing else
    was: an empty one would tell that it was there.
    """
    if hide_returns and isinstance(node, ast.Return):
        return None
    children = [(part, syntax_tree(part, hide_returns)) for part in children_of(node)]
    if isinstance(node, BLOCKS):
        body = set(map(id, node.body))
        if all(tree is None for part, tree in children if id(part) in body):
            return None
    kind = type(node).__name__
    if isinstance(node, ast.Constant):
        kind += " " + type(node.value).__name__
    trees = [tree for _, tree in children if tree is not None]
    return (kind, *trees) if trees else kind


def n_leaves(tree):
    return 1 if isinstance(tree, str) else sum(map(n_leaves, tree))


def gives_value(node):
    """Tell whether a node is a return of something else than None."""
    if not isinstance(node, ast.Return) or node.value is None:
        return False
    return not (isinstance(node.value, ast.Constant) and node.value.value is None)


def own_nodes(function):
    """List the nodes of a function, without those of functions in it."""
    nodes, found = list(function.body), []
    while nodes:
        node = nodes.pop()
        if not isinstance(node, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            found.append(node)
            nodes.extend(ast.iter_child_nodes(node))
    return found


def package_of(path):
    """Return the package of a file, to which its tests belong; None of a module."""
    parts = [part.removesuffix(".py") for part in path.parts]
    if parts[0] == "test":
        parts = [parts[1].lstrip("_").removeprefix("test_"), *parts[2:]]
        if parts[0].startswith("multiprocessing"):
            return "multiprocessing"
        return parts[0]
    return parts[0] if len(parts) > 1 else None


def functions():
    """Yield (package, function) of all files."""
    folder = Path(sysconfig.get_path("stdlib"))
    paths = sorted(path.relative_to(folder) for path in folder.rglob("*.py"))
    paths = [path for path in paths if path.parts[0] != "site-packages"]
    packages = {package_of(path) for path in paths if path.parts[0] != "test"} - {None}
    for path in paths:
        try:
            module = ast.parse((folder / path).read_bytes())
        except SyntaxError:  # there to test a parser
            continue
        package = package_of(path) if package_of(path) in packages else None
        nodes = [node for node in ast.walk(module) if isinstance(node, FUNCTIONS)]
        yield from ((package, node) for node in nodes)


def distinct(pairs):
    """Keep trees of a fitting size, of equal ones the first, and their answers."""
    answers = {}
    for tree, answer in pairs:
        if tree is not None and n_leaves(tree) in LEAVES:
            answers.setdefault(tree, answer)
    return answers


def read():
    """Return the trees and answers of both questions."""
    returns, packages = [], []
    for package, function in functions():
        packages.append((syntax_tree(function), package))
        own = own_nodes(function)
        is_generator = any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in own)
        if not is_generator and not function.name.startswith(OF_TESTS):
            answer = any(map(gives_value, own))
            returns.append((syntax_tree(function, hide_returns=True), answer))
    packages = distinct((tree, name) for tree, name in packages if name)
    largest = {name for name, _ in Counter(packages.values()).most_common(N_PACKAGES)}
    packages = {tree: name for tree, name in packages.items() if name in largest}
    returns = distinct(returns)
    return {
        "package": (list(packages), list(packages.values())),
        "returns": (list(returns), list(returns.values())),
    }


def labelled_functions(question):
    """Return distinct trees of functions and an answer for each.

    Parameters
    ----------
    question : {"package", "returns"}
        Which package it is from, its tests included; or whether it returns a value,
        when all its returns are hidden. Generators and functions of test cases are left
        out of the latter.
    """
    path = FOLDER / f"functions-of-python-{python_version()}.pickle"
    if not path.exists():
        FOLDER.mkdir(exist_ok=True)
        path.write_bytes(pickle.dumps(read()))
    return pickle.loads(path.read_bytes())[question]
