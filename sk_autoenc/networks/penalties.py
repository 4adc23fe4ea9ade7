"""placeholder until /tmp/h1 delivers."""

from typing import NamedTuple


class Penalties(NamedTuple):
    sparsity: float = 0.0
    sparsity_target: float = 0.05
    contraction: float = 0.0
