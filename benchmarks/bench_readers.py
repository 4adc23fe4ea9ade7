"""How fast trees of other libraries, and tokens at the leaves, are read.

    python benchmarks/bench_readers.py

Prints two Markdown tables. One has nodes a second of `read_tree` on trees of the same
shapes, of each library that is installed (``pip install --group readers`` has all but
torch, which is not needed here). The other has what a million leaves of 20 000 tokens
take in `LeafVectorizer`, of all that is held and made.
"""

import argparse
import ast
import json
import time
import tracemalloc
import warnings
from importlib import import_module
from xml.etree import ElementTree

import numpy as np
from scipy.cluster.hierarchy import linkage, to_tree
from side_by_side import medians, print_table

from sk_autoenc import LeafVectorizer, read_tree


def grow(words):
    """Make a tree of 1 to 4 children a node over words in their order."""
    row = list(words)
    rng = np.random.default_rng(len(row))
    while len(row) > 1:
        start, arity = int(rng.integers(len(row))), int(rng.integers(1, 5))
        row[start : start + arity] = [tuple(row[start : start + arity])]
    return row[0]


def token_trees(n_trees, n_tokens, seed=0):
    """Make trees of 5 to 35 tokens, of which few are frequent."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, n_tokens + 1)
    sizes = rng.integers(5, 36, n_trees)
    ids = rng.choice(n_tokens, sizes.sum(), p=weights / weights.sum())
    words = np.array([f"w{i}" for i in range(n_tokens)], dtype=object)[ids]
    return [grow(part) for part in np.split(words, np.cumsum(sizes)[:-1])]


def is_leaf(tree):
    return not isinstance(tree, tuple)


def count(tree):
    return 1 if is_leaf(tree) else 1 + sum(map(count, tree))


# One function a type: from nested tuples to a tree of that library.


def nltk(tree, library):
    return (
        tree if is_leaf(tree) else library.Tree("S", [nltk(c, library) for c in tree])
    )


def lark(tree, library):
    return (
        tree if is_leaf(tree) else library.Tree("S", [lark(c, library) for c in tree])
    )


def xml(tree, library):
    element = library.Element("w" if is_leaf(tree) else "s")
    if is_leaf(tree):
        element.text = tree
    else:
        element.extend([xml(child, library) for child in tree])
    return element


def by_name(tree, library, parent=None):
    node = library.Node(tree if is_leaf(tree) else "S", parent=parent)
    for child in () if is_leaf(tree) else tree:
        by_name(child, library, node)
    return node


def bigtree(tree, library):
    numbers = iter(range(10**9))  # siblings need names of their own

    def node(tree):
        name = f"{tree if is_leaf(tree) else 'S'}:{next(numbers)}"
        children = [] if is_leaf(tree) else [node(child) for child in tree]
        return library.Node(name, children=children)

    return node(tree)


def treelib(tree, library):
    made = library.Tree()

    def add(tree, parent):
        tag = tree if is_leaf(tree) else "S"
        node = made.create_node(tag, parent=parent)
        for child in () if is_leaf(tree) else tree:
            add(child, node.identifier)

    add(tree, None)
    return made


def networkx(tree, library):
    graph = library.DiGraph()
    numbers = iter(range(10**9))

    def add(tree):
        name = f"{tree if is_leaf(tree) else 'S'}:{next(numbers)}"
        graph.add_node(name)
        for child in () if is_leaf(tree) else tree:
            graph.add_edge(name, add(child))
        return name

    add(tree)
    return graph


def jsonlike(tree):
    return tree if is_leaf(tree) else {"of": list(map(jsonlike, tree))}


def code(tree):
    return tree if is_leaf(tree) else f"f({', '.join(map(code, tree))})"


def bracketed(tree):
    return tree if is_leaf(tree) else f"(S {' '.join(map(bracketed, tree))})"


def newick(tree):
    return tree if is_leaf(tree) else f"({','.join(map(newick, tree))})"


def clusters(tree):
    n_leaves = bracketed(tree).count("w")
    return linkage(np.random.default_rng(n_leaves).normal(size=(n_leaves, 2)))


def words(tree, heads, head=-1):
    """List words and heads of dependencies: the first leaf heads the rest of a node."""
    if is_leaf(tree):
        heads.append(head)
        return [tree]
    found, first = [], len(heads)
    for number, child in enumerate(tree):
        found += words(child, heads, first if number else head)
    return found


def spacy(tree, library):
    heads = []
    found = words(tree, heads)
    heads = [i if head < 0 else head for i, head in enumerate(heads)]
    vocabulary = VOCABULARIES.setdefault("en", library.blank("en").vocab)
    deps = ["ROOT" if head == i else "dep" for i, head in enumerate(heads)]
    return library.tokens.Doc(vocabulary, words=found, heads=heads, deps=deps)


def conllu(tree, library):
    heads = []
    found = words(tree, heads)
    lines = [
        f"{i + 1}\t{word}\t_\t_\t_\t_\t{head + 1}\t_\t_\t_"
        for i, (word, head) in enumerate(zip(found, heads, strict=True))
    ]
    return library.parse("\n".join(lines) + "\n\n")[0]


def tree_sitter(tree, library):
    language = library.Language(import_module("tree_sitter_python").language())
    return library.Parser(language).parse(code(tree).encode())


VOCABULARIES = {}
PLAIN = {
    "nested tuples": lambda tree: tree,
    "JSON": lambda tree: json.loads(json.dumps(jsonlike(tree))),
    "brackets": bracketed,
    "Newick": lambda tree: newick((tree,)) + ";",
    "ast": lambda tree: ast.parse(code(tree)),
    "xml.etree": lambda tree: xml(tree, ElementTree),
    "linkage matrices": clusters,
    "ClusterNode": lambda tree: to_tree(clusters(tree)),
}
OF_LIBRARIES = {
    "nltk": nltk,
    "lxml.etree": xml,
    "networkx": networkx,
    "lark": lark,
    "anytree": by_name,
    "bigtree": bigtree,
    "treelib": treelib,
    "tree_sitter": tree_sitter,
    "conllu": conllu,
    "spacy": spacy,
    "ete3": lambda tree, library: library.Tree(newick((tree,)) + ";"),
    "ete4": lambda tree, library: library.Tree(newick((tree,)) + ";"),
    "dendropy": lambda tree, library: library.Tree.get(
        data=newick((tree,)) + ";", schema="newick", suppress_leaf_node_taxa=True
    ),
}


def makers():
    """Yield types, and functions of a tree, of what is installed."""
    yield from PLAIN.items()
    for name, make in OF_LIBRARIES.items():
        try:
            with warnings.catch_warnings(action="ignore"):
                library = import_module(name)
        except ImportError:
            continue
        yield name, lambda tree, make=make, library=library: make(tree, library)


def reading_rates(n_trees):
    """Yield each type and how many million nodes of the result are read in a second."""
    trees = [tree for tree in token_trees(n_trees, 2000) if not is_leaf(tree)]
    for name, make in makers():
        objects = [make(tree) for tree in trees]
        n_nodes = sum(count(read_tree(obj)) for obj in objects)
        read = {name: lambda objects=objects: [read_tree(obj) for obj in objects]}
        seconds = medians(read, n_rounds=5, min_seconds=0.1)[name]
        yield name, f"{n_nodes / seconds / 1e6:.2f}"


def leaf_vectors(n_leaves, n_tokens=20_000):
    """Yield kinds of vectors, seconds to fit and to transform, and memory."""
    trees = token_trees(n_leaves // 20, n_tokens)
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((n_tokens, 100)).astype(np.float32)
    given = {f"w{i}": vector for i, vector in enumerate(vectors)}
    for name in ("one_hot", "hashing", "random", given):
        vectorizer = LeafVectorizer(name, random_state=0)
        with warnings.catch_warnings(action="ignore"):  # of so many tokens
            seconds = timed(vectorizer.fit_transform, trees)
        forest = vectorizer.transform(trees)
        again = timed(vectorizer.transform, trees)
        tracemalloc.start()
        vectorizer.transform(trees)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        held = forest.leaf_table.nbytes + forest._stacked.nbytes
        yield (
            name if isinstance(name, str) else "a dict",
            forest.leaf_table.shape,
            f"{seconds:.1f}",
            f"{again:.1f}",
            f"{held / 2**20:.0f}",
            f"{peak / 2**20:.0f}",
        )


def timed(function, argument):
    began = time.perf_counter()
    function(argument)
    return time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the trees")
    share = 10 if parser.parse_args().quick else 1
    header = ["trees of", "million nodes a second"]
    print_table(header, reading_rates(500 // share))
    header = "vectors|table|fit_transform, s|transform, s|forest, MB|peak, MB"
    print_table(header.split("|"), leaf_vectors(1_000_000 // share))


if __name__ == "__main__":
    main()
