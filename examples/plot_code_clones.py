"""
Which lines of a program say the same twice?
============================================

Code that was copied and then changed in places, a clone, is costly: who mends the one
forgets the other. The functions of ten modules of Python's standard library become
syntax trees without names and values. A tree autoencoder, which needs no labels, gives
a code of each part of each function, and `NodeNeighbors` finds the nearest part of
another function.

Parts that are equal but for names and values have the same code: a table of subtrees
would find them, too. Those with a line more, or another operator, are what codes are
for: they are near, but not equal. The program prints the largest of the first kind and
the nearest of the second, with their lines. It also says how many parts are alike to
their nearest, and how many would be if the nearest were that by counts of types,
which is the simple thing to try first.

How a function becomes a tree: the type of a syntax node is its first leaf, then come
its children, in the order of the source; a node without children is its type alone.
Only statements are compared, and functions as wholes, since they have lines of their
own.

The picture shows the size of each part and its distance from the nearest part of
another function. Clones lie low, and most surely those at the right: it is no chance
that large parts are near. The numbers are those of the pairs that are printed.
"""

import ast
import sysconfig
import textwrap
import time
from difflib import SequenceMatcher, ndiff
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neighbors import NearestNeighbors

from sk_autoenc import LeafVectorizer, NodeNeighbors, UnfoldingRAETransformer

PICTURE = Path(__file__).with_suffix(".png")
LIBRARY = Path(sysconfig.get_path("stdlib"))
MODULES = """
argparse bz2 ftplib gzip ipaddress lzma ntpath optparse posixpath smtplib
""".split()
MIN_SIZE = 40
"""Nodes of the smallest part: of less, equal ones are chance."""
N_EQUAL, N_NEAR = 3, 4
"""Pairs that are shown."""
N_LINES = 20
"""Of a pair, the most that are printed."""
N_ASKED = 30
"""Neighbours of each part, of which the first of another function is taken."""
ALIKE = 0.8
"""Two parts are alike if they have more than this share of types in one order."""
SIZES = (40, 60, 100, 200, 400, 1000)
DISTANCES = (0, 0.005, 0.01, 0.03, 0.1, 0.3)
"""Ticks of the picture."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Part(NamedTuple):
    """A part of a function."""

    module: str
    node: ast.AST

    def __str__(self):
        return f"{self.module}.py {self.node.lineno}-{self.node.end_lineno}"


class Pair(NamedTuple):
    """A part and the nearest of another function."""

    parts: tuple
    functions: tuple
    """The numbers of their functions."""
    sizes: tuple
    """Their numbers of nodes."""
    distance: float
    is_equal: bool
    """Whether they are equal but for names and values."""


def is_text(node):
    """Tell whether a syntax node is a statement that is nothing but a string."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return False
    return isinstance(node.value.value, str)


def syntax_tree(node):
    """Give nested tuples of types, and the syntax node of each node in preorder."""
    kind = type(node).__name__
    below = [
        syntax_tree(child)
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, ast.expr_context) and not is_text(child)
    ]
    if not below:
        return kind, [node]
    trees, nodes = zip(*below, strict=True)
    # The first leaf, the type, is a node of the tree too, of the same syntax node.
    return (kind, *trees), [node, node, *(one for part in nodes for one in part)]


def outermost_functions(node):
    """List functions, those of classes too, but not those within functions."""
    if isinstance(node, FUNCTIONS):
        return [node]
    children = ast.iter_child_nodes(node)
    return [function for child in children for function in outermost_functions(child)]


def read_functions():
    """Return the trees of all functions, and (module, syntax nodes) of each."""
    trees, origins = [], []
    for module in MODULES:
        source = (LIBRARY / f"{module}.py").read_text("utf-8")
        for function in outermost_functions(ast.parse(source)):
            tree, nodes = syntax_tree(function)
            trees.append(tree)
            origins.append((module, nodes))
    return trees, origins


def numbers_of_lines(node):
    return range(node.lineno, node.end_lineno + 1)


def read_lines(part):
    """List the lines of a part, without documentation strings."""
    texts = [text for text in ast.walk(part.node) if is_text(text)]
    left_out = {number for text in texts for number in numbers_of_lines(text)}
    lines = (LIBRARY / f"{part.module}.py").read_text("utf-8").splitlines()
    kept = [
        lines[number - 1]
        for number in numbers_of_lines(part.node)
        if number not in left_out
    ]
    return textwrap.dedent("\n".join(kept)).splitlines()


def find_pairs(finder, origins):
    """List each statement that is kept and the nearest part of another function."""
    forest = finder.trees_
    distances, neighbors = finder.kneighbors()
    trees = np.repeat(np.arange(len(forest)), forest.n_nodes)[finder.nodes_]
    pairs = []
    for tree, root, distance, found in zip(
        trees, finder.nodes_, distances, neighbors, strict=True
    ):
        module, nodes = origins[tree]
        node = nodes[root - forest.tree_start[tree]]
        others = np.flatnonzero(found["tree"] != tree)
        if not isinstance(node, ast.stmt) or len(others) == 0:
            continue
        other = found[others[0]]
        other_module, other_nodes = origins[other["tree"]]
        other_node = other_nodes[other["position"]]
        pairs.append(
            Pair(
                (Part(module, node), Part(other_module, other_node)),
                (int(tree), int(other["tree"])),
                (int(forest.size[root]), int(other["size"])),
                float(distance[others[0]]),
                syntax_tree(node)[0] == syntax_tree(other_node)[0],
            )
        )
    return pairs


def count_alike(finder, vectors):
    """Count the parts that are alike to the one of another function nearest by vectors.

    These are of shape (n_parts, n_features), in the order of the parts that the finder
    keeps.
    """
    functions = np.repeat(np.arange(len(finder.trees_)), finder.trees_.n_nodes)
    functions = functions[finder.nodes_]
    types = types_of_parts(finder)
    search = NearestNeighbors(n_neighbors=N_ASKED).fit(vectors)
    n_alike = 0
    for part, found in enumerate(search.kneighbors(return_distance=False)):
        for other in found[functions[found] != functions[part]][:1]:
            in_order = SequenceMatcher(None, types[part], types[other], autojunk=False)
            n_alike += in_order.ratio() > ALIKE
    return n_alike


def types_of_parts(finder):
    """List the numbers of the types of each part that the finder keeps."""
    forest = finder.trees_
    parts = [forest.leaf_row[i : i + forest.size[i]] for i in finder.nodes_]
    return [part[part >= 0].tolist() for part in parts]


def compare(finder):
    """Print how many parts are alike to their nearest, by codes and by counts."""
    codes, _ = finder.transformer_.transform_nodes(finder.trees_)
    n_types = len(finder.trees_.leaf_table)
    counts = [np.bincount(part, minlength=n_types) for part in types_of_parts(finder)]
    print(
        f"parts with more than {ALIKE:.0%} of the types of their nearest, in order: "
        f"{count_alike(finder, codes[finder.nodes_])} by codes, "
        f"{count_alike(finder, np.log1p(counts))} by logarithms of counts of types"
    )


def first_of_each_function(pairs, number):
    """Give the first pairs, each of two functions that none before it is of."""
    shown, taken = [], set()
    for pair in pairs:
        if len(shown) < number and taken.isdisjoint(pair.functions):
            shown.append(pair)
            taken.update(pair.functions)
    return shown


def print_pairs(equal, near):
    """Print where equal ones are, and the lines of those that are nearly equal."""
    print("the largest pairs that are equal but for names and values:")
    for pair in equal:
        print(f"  {' and '.join(map(str, pair.parts))}, {pair.sizes[0]} nodes")
    print("the nearest pairs that are not:")
    for number, pair in enumerate(near, 1):
        print(
            f"{number}. {' and '.join(map(str, pair.parts))}, {pair.sizes[0]} and "
            f"{pair.sizes[1]} nodes, distance {pair.distance:.3f}"
        )
        lines = ndiff(*map(read_lines, pair.parts))
        lines = [line for line in lines if not line.startswith("?")]
        print("\n".join("   " + line.rstrip() for line in lines[:N_LINES]))
        if len(lines) > N_LINES:
            print(f"     ... {len(lines) - N_LINES} lines more")


def draw(pairs, near):
    """Draw size and distance of all pairs, and the numbers of those shown."""
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    is_equal = np.array([pair.is_equal for pair in pairs])
    is_same = np.array([len({p.module for p in pair.parts}) == 1 for pair in pairs])
    sizes = np.array([pair.sizes[0] for pair in pairs])
    distances = np.array([pair.distance for pair in pairs])
    for label, chosen, colour in (
        ("nearest is in another module", ~is_equal & ~is_same, "tab:blue"),
        ("nearest is in the same module", ~is_equal & is_same, "tab:orange"),
        ("equal but for names and values", is_equal, "tab:red"),
    ):
        axes.scatter(
            sizes[chosen], distances[chosen], s=14, alpha=0.7, c=colour, label=label
        )
    for number, pair in enumerate(near, 1):
        axes.annotate(
            str(number),
            (pair.sizes[0], pair.distance),
            xytext=(14 if number % 2 == 0 else -20, 14),
            textcoords="offset points",
            arrowprops={"arrowstyle": "-"},
        )
    axes.set_xscale("log")
    axes.set_xticks(SIZES, SIZES)
    axes.minorticks_off()
    axes.set_yscale("symlog", linthresh=0.01)  # 0 is a distance, too
    axes.set_yticks(DISTANCES, DISTANCES)
    axes.set(
        ylim=(-0.002, 1),
        title="How near is the nearest part of another function?",
        xlabel="size of a part (nodes of its syntax tree)",
        ylabel="distance of the codes (no unit)",
    )
    axes.legend(loc="lower right")
    figure.savefig(PICTURE, dpi=100)
    plt.close(figure)
    return PICTURE


def main():
    """Find clones, print and draw."""
    began = time.perf_counter()
    trees, origins = read_functions()
    forest = LeafVectorizer().fit_transform(trees)
    autoencoder = UnfoldingRAETransformer(32, max_iter=20, random_state=0)
    finder = NodeNeighbors(autoencoder, n_neighbors=N_ASKED, min_size=MIN_SIZE)
    pairs = find_pairs(finder.fit(forest), origins)
    equal = sorted(
        (pair for pair in pairs if pair.is_equal), key=lambda pair: -pair.sizes[0]
    )
    others = sorted(
        (pair for pair in pairs if not pair.is_equal), key=lambda pair: pair.distance
    )
    near = first_of_each_function(others, N_NEAR)
    print(
        f"{len(forest)} functions, {len(pairs)} parts of at least {MIN_SIZE} nodes, "
        f"{len(equal)} of them equal to another but for names and values"
    )
    print_pairs(first_of_each_function(equal, N_EQUAL), near)
    compare(finder)
    print(f"picture: {draw(pairs, near)}")
    print(f"{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
