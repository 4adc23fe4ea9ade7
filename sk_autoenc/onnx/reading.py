"""Inputs of a graph: rows of numbers, or a table, taken apart into columns."""

from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)

from sk_autoenc.onnx.graph import Graph, integers
from sk_autoenc.onnx.pieces import beside, cast, columns
from sk_autoenc.tables.columns import all_numbers
from sk_autoenc.tables.reading import is_nothing

NO_TEXT = ""
"""A string that stands for a missing one: ONNX has none."""


DTYPES = {
    BooleanTensorType: np.bool_,
    DoubleTensorType: np.float64,
    FloatTensorType: np.float32,
    Int64TensorType: np.int64,
    StringTensorType: np.str_,
}
"""Types of inputs that are read, and numpy's names of them."""


class Input(NamedTuple):
    """An input of an operator."""

    value: str
    """Its name in the graph."""
    type: Any
    """As skl2onnx has it."""
    name: str
    """As the user, or the step before, has it."""

    @property
    def dtype(self) -> Any:
        """What numpy calls its type."""
        return DTYPES[type(self.type)]

    @property
    def is_text(self) -> bool:
        """Whether it holds strings."""
        return self.dtype is np.str_

    @property
    def is_whole(self) -> bool:
        """Whether it holds integers."""
        return self.dtype is np.int64


def check_kinds(inputs: Sequence[Input]) -> None:
    """Refuse types that are neither strings nor the usual numbers."""
    for each in inputs:
        if type(each.type) not in DTYPES:
            raise NotImplementedError(
                f"Input {each.name!r} has the type {type(each.type).__name__}, which "
                "is not exported. Make float, double, int64, bool or string of it."
            )


def are_single(inputs: Sequence[Input]) -> bool:
    """Tell whether all numbers are float32, which then is what is computed in."""
    numbers = [each for each in inputs if not each.is_text]
    return bool(numbers) and all(n.dtype is np.float32 for n in numbers)


def joined(graph: Graph, inputs: Sequence[Input]) -> str:
    """Return all inputs side by side, in the graph's type."""
    for each in inputs:
        if each.is_text:
            raise NotImplementedError(
                f"Input {each.name!r} holds strings, which this estimator does not "
                "take. Encode them before, as by OneHotEncoder."
            )
    return beside(graph, [cast(graph, each.value, graph.dtype) for each in inputs])


class Table:
    """A table in a graph: one input for all columns, or one for each.

    Parameters
    ----------
    graph : Graph
    inputs : sequence of Input
    model : estimator
        With `n_features_in_`.
    missing_values : object
        What stands for a missing entry, as the estimator has it.
    """

    def __init__(
        self, graph: Graph, inputs: Sequence[Input], model: Any, missing_values: Any
    ) -> None:
        n_columns = model.n_features_in_
        if len(inputs) not in (1, n_columns):
            raise ValueError(
                f"There must be one input for all {n_columns} columns, or one for "
                f"each; got {len(inputs)}."
            )
        self.graph, self.inputs = graph, inputs
        self.n_columns = n_columns
        self.missing_values = missing_values

    @property
    def is_array(self) -> bool:
        """Whether one input has all columns."""
        return len(self.inputs) == 1

    @property
    def has_text(self) -> bool:
        """Whether an input holds strings."""
        return any(each.is_text for each in self.inputs)

    def input_of(self, place: int) -> Input:
        """Return the input that holds a column."""
        return self.inputs[0 if self.is_array else place]

    def column(self, place: int) -> str:
        """Return a column as it is, (n_rows, 1)."""
        if self.is_array and self.n_columns > 1:
            return columns(self.graph, self.inputs[0].value, [place])
        return self.input_of(place).value

    def numbers(self, places: Sequence[int], dtype: Any) -> str:
        """Return columns of numbers side by side."""
        for place in places:
            if self.input_of(place).is_text:
                raise NotImplementedError(
                    f"Column {place} of X holds numbers, but input "
                    f"{self.input_of(place).name!r} holds strings. Give an input of "
                    "numbers, one for each column if some hold strings."
                )
        if self.is_array:
            value = columns(self.graph, self.inputs[0].value, places)
            return cast(self.graph, value, dtype)
        values = (self.inputs[place].value for place in places)
        return beside(self.graph, [cast(self.graph, v, dtype) for v in values])

    def missing(self, places: Sequence[int]) -> str:
        """Tell of columns where nothing is, bool, (n_rows, n_places)."""
        if self.is_array:
            return columns(self.graph, self._holes(self.inputs[0]), places)
        return beside(self.graph, [self._holes(self.inputs[k]) for k in places])

    def one_hot(self, place: int, levels: Any) -> str:
        """Tell where a column has each of its levels, bool, (n_rows, n_levels).

        What is missing has none.
        """
        graph, given, values = self.graph, self.input_of(place), list(levels)
        column = self.column(place)
        if NO_TEXT in values and is_nothing(self.missing_values):
            raise NotImplementedError(
                f"Column {place} of X has the empty string as a level, which in ONNX "
                "stands for a missing entry. Fit on another string in its place."
            )
        if given.is_text and all(isinstance(level, str) for level in values):
            number = numbers_of_texts(graph, column, values)
            found = graph("Equal", number, np.arange(len(values)))
        elif not given.is_text and all_numbers(map(without_bools, values)):
            numbers = np.array([float(level) for level in values])
            found = graph("Equal", cast(graph, column, np.float64), numbers)
        else:
            raise NotImplementedError(
                f"Column {place} of X has the levels {values!r:.100}, but input "
                f"{given.name!r} holds {'strings' if given.is_text else 'numbers'}. "
                "ONNX compares like with like: fit on levels that are all strings or "
                "all numbers, and give such an input."
            )
        return graph("And", found, graph("Not", self.missing([place])))

    def _holes(self, given: Input) -> str:
        """Tell where an input has nothing, by what stands for that."""
        graph, mark = self.graph, self.missing_values
        if given.is_text:
            mark = NO_TEXT if is_nothing(mark) else mark
            marks = [mark] if isinstance(mark, str) else []
            number = numbers_of_texts(graph, given.value, marks or [NO_TEXT])
            return graph("Equal", number, integers(0 if marks else -2))
        if is_nothing(mark) and given.dtype in (np.float32, np.float64):
            return graph("IsNaN", given.value)
        dtype = np.float32 if given.dtype is np.float32 else np.float64
        comparable = isinstance(mark, Real) and not is_nothing(mark)
        value = cast(graph, given.value, dtype)
        if not comparable:  # a number is no string, and no integer is NaN
            return graph("Not", graph("Equal", value, value))
        return graph("Equal", value, np.array(mark, dtype))


def without_bools(level: Any) -> Any:
    """Return a bool as the number that it is equal to."""
    return int(level) if isinstance(level, bool | np.bool_) else level


def numbers_of_texts(graph: Graph, value: str, texts: Sequence[str]) -> str:
    """Return the place of each string among others, -1 where it is not."""
    [numbers] = graph.several(
        "LabelEncoder",
        value,
        n_outputs=1,
        domain="ai.onnx.ml",
        keys_strings=[str(text) for text in texts],
        values_int64s=list(range(len(texts))),
        default_int64=-1,
    )
    return numbers
