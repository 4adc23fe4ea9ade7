"""What is counted, pooled, merged and found, the slow way, by plain recursion.

With nothing in common with the package: subtrees are themselves as nested tuples, not
hashes; distances are taken one at a time; and all pairs are tried from scratch.
"""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
from oracles import Node


def is_leaf(tree):
    return not isinstance(tree, tuple)


def height(tree):
    return 0 if is_leaf(tree) else 1 + max(map(height, tree))


def size(tree):
    return 1 if is_leaf(tree) else 1 + sum(map(size, tree))


def nodes_of(tree, path=()):
    """All subtrees in preorder, with the way to each."""
    yield tree, path
    if not is_leaf(tree):
        for rank, child in enumerate(tree):
            yield from nodes_of(child, (*path, rank))


# Eqs. (70, 71)


def own_label(tree, inner_labels):
    if is_leaf(tree):
        return ("leaf", *(float(x) + 0.0 for x in tree))
    if inner_labels == "arity":
        return ("inner", len(tree))
    if inner_labels == "first_leaf" and is_leaf(tree[0]):
        return ("inner", own_label(tree[0], inner_labels))
    return ("inner",)


def cut(tree, depth, inner_labels, ordered):
    """The subtree, cut at a depth."""
    own = own_label(tree, inner_labels)
    if is_leaf(tree) or depth == 0:
        return own
    below = [cut(child, depth - 1, inner_labels, ordered) for child in tree]
    return (own, *(below if ordered else sorted(below, key=repr)))


def count_subtrees(tree, n_rounds, n_ancestors, inner_labels, ordered):
    counts = Counter()

    def visit(tree, above):
        for depth in range(min(n_rounds, height(tree)) + 1):
            counts[("cut", cut(tree, depth, inner_labels, ordered))] += 1
        above = [*above, own_label(tree, inner_labels)]
        for n in range(1, min(n_ancestors, len(above) - 1) + 1):
            counts[("path", tuple(above[-n - 1 :]))] += 1
        if not is_leaf(tree):
            for child in tree:
                visit(child, above)

    visit(tree, [])
    return counts


def kernel(counters):
    """Products of all pairs of counts."""
    return np.array(
        [[sum(a[key] * b[key] for key in a) for b in counters] for a in counters]
    )


# Eqs. (72, 73)


def greedy_tree(oracle, vectors):
    """Merge the neighbours of the least E(p), all tried anew at every step."""
    trees = list(vectors)
    while len(trees) > 1:
        errors = [merging_error(oracle, pair) for pair in pairwise(trees)]
        best = errors.index(min(errors))
        trees[best : best + 2] = [(trees[best], trees[best + 1])]
    return trees[0]


def merging_error(oracle, pair):
    """E(p) of Eq. (40), of the parent of two trees, as float32."""
    parent = Node(pair, pair)
    oracle.encode(parent)
    for node in parent.in_preorder():
        node.upstream = np.zeros_like(node.vec)
    unused = {name: np.zeros_like(v) for name, v in oracle.parameters.items()}
    return np.float32(oracle.children_value(parent, unused))


# Eqs. (74, 75)


def rows_of_matrix(tree, codes):
    """Codes, given in preorder: leaves in order, then inner nodes from the right."""
    codes = iter(codes)
    leaves = []

    def visit(tree):
        code = next(codes)
        if is_leaf(tree):
            leaves.append(code)
            return []
        below = [visit(child) for child in tree]
        return [code, *(row for rows in reversed(below) for row in rows)]

    inner = visit(tree)
    return leaves + inner


def pool(matrix, pool_size):
    """Repeat rows and columns until they are enough, then take minima of windows."""
    for _ in range(2):
        rows = list(matrix)
        matrix = [row for row in rows for _ in range(math.ceil(pool_size / len(rows)))]
        width, n_wider = divmod(len(matrix), pool_size)
        windows, start = [], 0
        for number in range(pool_size):
            stop = start + width + (number >= pool_size - n_wider)
            windows.append(np.min(matrix[start:stop], axis=0))
            start = stop
        assert start == len(matrix)
        matrix = np.transpose(windows)
    return matrix


def pooled_distances(pair, codes, pool_size):
    left, right = (
        rows_of_matrix(tree, rows) for tree, rows in zip(pair, codes, strict=True)
    )
    matrix = [[np.linalg.norm(a - b) for b in right] for a in left]
    return pool(np.array(matrix), pool_size)


# Neighbours


def overlap(one, other):
    """Whether two nodes, (tree, path), are one, or above or below each other."""
    n = min(len(one[1]), len(other[1]))
    return one[0] == other[0] and one[1][:n] == other[1][:n]
