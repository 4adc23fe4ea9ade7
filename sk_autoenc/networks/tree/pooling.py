"""From the codes of a block's nodes to what is pooled of each tree, and back."""

from typing import NamedTuple

import numpy as np

from sk_autoenc.parts.poolings import POOLINGS


class Pool(NamedTuple):
    """The nodes of a block that are pooled, and how."""

    rows: np.ndarray
    """(n_pooled,) int: their rows in the codes, tree by tree."""
    tree_start: np.ndarray
    """(n_trees,) int: the first of each tree."""
    names: tuple[str, ...]

    @classmethod
    def of(cls, structure, names):
        """Choose the inner nodes, and bare leaves; the roots if they are enough."""
        if names == ("root",):
            return cls(structure.root_rows, np.arange(structure.n_trees), names)
        trees = structure.trees
        is_pooled = trees.leaf_row < 0
        is_pooled[trees.tree_start[:-1]] = True  # bare leaves too
        first = np.cumsum(is_pooled)[trees.tree_start[:-1]] - 1
        return cls(structure.row_of_node[np.flatnonzero(is_pooled)], first, names)

    def value(self, codes):
        """Return what is pooled, side by side, and what the gradient needs."""
        codes = codes[self.rows]
        pools = [POOLINGS[name].value(codes, self.tree_start) for name in self.names]
        return (pools[0] if len(pools) == 1 else np.hstack(pools)), (codes, pools)

    def add_gradient(self, delta, parts, buffer):
        """Add dE/dcodes to a buffer of all rows."""
        codes, pools = parts
        for name, pooled, part in zip(
            self.names, pools, np.split(delta, len(self.names), axis=1), strict=True
        ):
            buffer[self.rows] += POOLINGS[name].gradient(
                part, codes, pooled, self.tree_start
            )
