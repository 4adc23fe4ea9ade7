"""Trees that are rows: linkage matrices of scipy, sentences of spaCy and conllu."""

from collections.abc import Sequence
from typing import Any

from sk_autoenc.trees.foreign import At


def linkage_root(matrix: Any) -> At:
    """Give the last cluster, or refuse an array that is no linkage matrix.

    Row i merges the clusters of its first two columns to cluster n + i, where clusters
    below n are the n observations.
    """
    rows = matrix.tolist()
    n_observations, merged = len(rows) + 1, set()
    for number, row in enumerate(rows):
        for cluster in row[:2]:
            is_there = 0 <= cluster < n_observations + number and cluster % 1 == 0
            if not is_there or cluster in merged:
                why = "was merged before" if is_there else "is not there yet"
                raise ValueError(
                    f"no linkage matrix: row {number} merges cluster {cluster:g}, "
                    f"which {why}. read_tree takes a 2-D array as what "
                    "scipy.cluster.hierarchy.linkage gives; for rows of a table, which "
                    "are no tree, use Forest.from_rows"
                )
            merged.add(cluster)
    if not rows:
        raise ValueError("no linkage matrix: it has no rows; at least one is needed")
    return At(rows, 2 * n_observations - 2)


def linkage_children(node: At) -> list[At]:
    """Give the two clusters that were merged; an observation has none."""
    row = _row(node)
    return [] if row is None else [At(node.whole, int(part)) for part in row[:2]]


def linkage_label(node: At) -> Any:
    """Give the distance of the two clusters that were merged."""
    row = _row(node)
    return None if row is None else row[2]


def _row(node: At) -> Sequence[float] | None:
    number: int = node.key - len(node.whole) - 1
    return None if number < 0 else node.whole[number]


def conllu_root(obj: Any) -> Any:
    """Give the root of a sentence, a list of tokens or a tree of them."""
    if not hasattr(type(obj), "to_tree"):
        return obj
    if not len(obj):
        raise ValueError("the TokenList is empty: it has no words")
    try:
        return obj.to_tree()
    except Exception as error:
        raise ValueError(
            f"the TokenList is no tree: {error}; one word needs the head 0, and the "
            "heads of the others must lead to it"
        ) from error


def spacy_root(obj: Any) -> Any:
    """Give the root of a sentence, or a list of roots, which reads as a node.

    A span need not be a subtree: what hangs on words outside of it is a root.
    """
    is_token, is_doc = hasattr(type(obj), "nbor"), hasattr(type(obj), "retokenize")
    doc = obj if is_doc else obj.doc
    if not len(obj):
        raise ValueError(f"the {type(obj).__name__!r} is empty: it has no words")
    if not doc.has_annotation("DEP"):
        raise ValueError(
            "the Doc has no dependency parse; make it with a pipeline that has a "
            "parser, such as spacy.load('en_core_web_sm')"
        )
    if is_token:
        return At(range(len(doc)), obj)
    words = range(len(doc)) if is_doc else range(obj.start, obj.end)
    tokens = [doc[number] for number in words]
    roots = [
        At(words, token)
        for token in tokens
        if token.head.i == token.i or token.head.i not in words
    ]
    return roots[0] if len(roots) == 1 else roots


def spacy_children(node: Any) -> list[Any]:
    """Give the dependents within the words that are read, in their order."""
    if type(node) is list:
        return node
    return [
        At(node.whole, child) for child in node.key.children if child.i in node.whole
    ]


def spacy_word(node: Any) -> str | None:
    """Give a word; the node above several sentences has none."""
    return None if type(node) is list else node.key.text
