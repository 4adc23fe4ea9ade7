"""Dropout: Srivastava et al., JMLR 15, 2014, in the form that scales while training."""

from typing import NamedTuple

import numpy as np


class Dropout(NamedTuple):
    """Draws factors, others at each call."""

    leaves: float
    """The share of the entries of leaf codes that are set to 0, in [0, 1)."""
    codes: float
    """The same of the codes that a head reads."""
    rng: np.random.Generator

    def factors(self, level, shape, dtype):
        """Draw 0 or 1 / (1 - level) for each entry; None for ``level=0``."""
        if not level:
            return None
        kept = self.rng.random(shape, np.float32) >= level
        return kept * np.dtype(dtype).type(1 / (1 - level))
