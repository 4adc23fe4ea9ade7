"""Trees written as text: brackets as in the Penn Treebank, and Newick."""

from sk_autoenc._typing import AnyTree, PlaceLabel
from sk_autoenc.trees.from_objects import tree_from
from sk_autoenc.trees.parsing import (
    Written,
    label_of_inner,
    parse_bracketed,
    parse_newick,
)


def from_bracketed(text: str, *, place_label: PlaceLabel = "drop") -> AnyTree:
    r"""Read a tree in brackets, as the Penn Treebank has them.

    The first word after a bracket is the label of that node, the others are leaves. A
    bracket after a bracket opens a node without label.

    Parameters
    ----------
    text : str
        One tree, over any number of lines. The words ``-LRB-`` and ``-RRB-`` are round
        brackets, ``-LSB-``, ``-RSB-``, ``-LCB-``, ``-RCB-`` square and curly ones. A
        backslash stands before a bracket, space, slash, asterisk or backslash that is
        part of a word.
    place_label : {"drop", "first_leaf", "only_leaves"}, default="drop"
        As in `tree_from`. Words have no label, so "only_leaves" is as "drop".

    Returns
    -------
    tree : tuple
        Nested tuples of words.

    Raises
    ------
    TypeError
        `text` is no string.
    ValueError
        The text is no tree, or several. The message has line and column, both counted
        from 1, and what was expected there.

    See Also
    --------
    node_labels : The labels, of the text itself.
    from_newick : Trees of species.

    Examples
    --------
    >>> from_bracketed("(S (NP the cat) (VP sat))")
    (('the', 'cat'), ('sat',))
    >>> from_bracketed("(S (NP the cat) (VP sat))", place_label="first_leaf")
    ('S', ('NP', 'the', 'cat'), ('VP', 'sat'))
    """
    return _nested(parse_bracketed(text), place_label)


def from_newick(text: str, *, place_label: PlaceLabel = "drop") -> AnyTree:
    """Read a tree in Newick's format, as phylogenies have it.

    Parameters
    ----------
    text : str
        One tree, ended by a semicolon. Names may be in single quotes, in which two
        quotes stand for one; an underscore stays one. Lengths of branches must be
        numbers, and they and comments in square brackets are left out.
    place_label : {"drop", "first_leaf", "only_leaves"}, default="drop"
        As in `tree_from`, for the names of inner nodes.

    Returns
    -------
    tree : tuple or str
        Nested tuples of names; a leaf without a name is an empty string.

    Raises
    ------
    TypeError
        `text` is no string.
    ValueError
        The text is no tree, or several. The message has line and column, both counted
        from 1, and what was expected there.

    See Also
    --------
    node_labels : The names, of the text itself.
    from_bracketed : Trees of sentences.

    Examples
    --------
    >>> from_newick("((cat:0.1, 'sea lion':0.2)carnivores:0.3, mouse);")
    (('cat', 'sea lion'), 'mouse')
    """
    return _nested(parse_newick(text), place_label)


def _nested(root: Written, place_label: PlaceLabel) -> AnyTree:
    """Make nested tuples of a parsed text."""
    if place_label == "only_leaves":
        place_label = "drop"  # the word of a leaf is all it has
    return tree_from(
        root,
        children="children",
        leaf="label",
        label=label_of_inner,
        place_label=place_label,
    )
