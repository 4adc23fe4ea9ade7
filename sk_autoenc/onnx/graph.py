"""A graph of ONNX nodes that grows node by node.

A value of a graph is named by a string. Where one is asked for, an array may be given,
too, which becomes a constant; a float becomes one of the graph's own type.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

MINIMUM_OPSET = 13
"""Of the domain of ONNX itself: since then the axes of a sum, and the parts of a split,
are inputs, and a softmax is along one axis."""

ML_OPSET = 2
"""Of the domain "ai.onnx.ml", the one other that is used."""

Value = str | float | NDArray[Any]
"""What an operator takes: the name of a value, or a constant."""


class Node(NamedTuple):
    """A node that is to be."""

    operator: str
    inputs: list[str]
    outputs: list[str]
    domain: str
    attributes: dict[str, Any]

    def proto(self) -> NodeProto:
        """Return the node as ONNX writes it."""
        return helper.make_node(
            self.operator,
            self.inputs,
            self.outputs,
            domain=self.domain,
            **self.attributes,
        )


class Graph:
    """Nodes and constants, and names for them.

    Parameters
    ----------
    prefix : str
        Of all names, so that they are those of no other graph.
    dtype : numpy dtype
        Float32 or float64: what is computed in.
    """

    def __init__(self, prefix: str, dtype: Any) -> None:
        self.prefix = prefix
        self.dtype = np.dtype(dtype)
        self.nodes: list[Node] = []
        self.constants: list[TensorProto] = []
        self._known: dict[tuple[Any, ...], str] = {}

    def __call__(self, operator: str, *inputs: Value, **attributes: Any) -> str:
        """Add a node of one output; return its name."""
        return self.several(operator, *inputs, n_outputs=1, **attributes)[0]

    def several(
        self,
        operator: str,
        *inputs: Value,
        n_outputs: int,
        domain: str = "",
        **attributes: Any,
    ) -> list[str]:
        """Add a node; return the names of its outputs."""
        names = [self.name_of(value) for value in inputs]
        outputs = [f"{self.prefix}{len(self.nodes)}_{k}" for k in range(n_outputs)]
        self.nodes.append(Node(operator, names, outputs, domain, attributes))
        return outputs

    def name_of(self, value: Value) -> str:
        """Return the name of a value; that of a constant is made once."""
        if isinstance(value, str):
            return value
        array = np.asarray(value, self.dtype if isinstance(value, float) else None)
        if array.dtype.kind in "UT":
            array = array.astype(object)
        content = array.tolist() if array.dtype.kind == "O" else array.tobytes()
        key = array.dtype.str, array.shape, str(content)
        if key not in self._known:
            name = f"{self.prefix}c{len(self.constants)}"
            self.constants.append(numpy_helper.from_array(array, name))
            self._known[key] = name
        return self._known[key]

    def own(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array in the graph's type."""
        return np.ascontiguousarray(array, self.dtype)

    def of(self, dtype: Any) -> "Graph":
        """Return a graph that adds to this one and computes in another type."""
        other = Graph(self.prefix, dtype)
        other.nodes, other.constants = self.nodes, self.constants
        other._known = self._known
        return other

    def rename(self, value: str, name: str) -> None:
        """Give the last value another name, of somebody else's choice."""
        self.nodes[-1].outputs[self.nodes[-1].outputs.index(value)] = name

    def add_to(self, container: Any) -> None:
        """Add all to a container of skl2onnx's."""
        for constant in self.constants:
            content: Any = constant
            if constant.data_type == TensorProto.STRING:  # have no raw data to copy
                content = list(constant.string_data)
            container.add_initializer(
                constant.name, constant.data_type, list(constant.dims), content
            )
        for node in self.nodes:
            container.add_node(
                node.operator,
                node.inputs,
                node.outputs,
                op_domain=node.domain,
                op_version=ML_OPSET if node.domain else None,
                name=f"{node.outputs[0]}_{node.operator}",
                **node.attributes,
            )

    def proto(
        self, name: str, inputs: Sequence[Any], outputs: Sequence[Any]
    ) -> GraphProto:
        """Return all as one graph of ONNX.

        `inputs` and `outputs` are what `onnx.helper.make_tensor_value_info` makes.
        """
        nodes = [node.proto() for node in self.nodes]
        return helper.make_graph(nodes, name, inputs, outputs, self.constants)


def integers(*values: int) -> NDArray[np.int64]:
    """Return what an operator takes for axes, sizes and places."""
    return np.array(values, np.int64)


def type_of(dtype: Any) -> int:
    """Return the number that ONNX gives to a type of numpy's."""
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
