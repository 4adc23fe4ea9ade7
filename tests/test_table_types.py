"""Types of tables as plain values: what is kept of a data frame."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal
from tabular_models import frame, make, polars_frame

from sk_autoenc.tables.types import TableTypes

TIMES = pd.to_datetime(["2020-01-01", "2021-05-06"])
OF_PANDAS = {
    "mixed": frame(),
    "times": pd.DataFrame({"a": TIMES, "b": TIMES.tz_localize("Europe/Paris")}),
    "pieces": pd.DataFrame({"a": pd.cut([1.0, 2.0, 3.0], 2)}),
    "numbers as levels": pd.DataFrame({"a": pd.Categorical([3, 1, 3])}),
    "times as levels": pd.DataFrame({"a": pd.Categorical(TIMES)}),
    "strings": pd.DataFrame({"a": pd.array(["x", None], "string[python]")}),
    "other types": pd.DataFrame(
        {
            "a": pd.arrays.SparseArray([0.0, 1.0]),
            "b": pd.period_range("2020", periods=2, freq="M"),
            "c": TIMES - TIMES[0],
        }
    ),
    "labels of numbers": pd.DataFrame(np.eye(2), columns=[5, 7]),
    "labels with a name": pd.DataFrame(
        np.eye(2), columns=pd.Index(["a", "b"], name="c")
    ),
    "labels in two levels": pd.DataFrame(
        np.eye(2),
        columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["u", "v"]),
    ),
    "labels of times": pd.DataFrame(np.eye(2), columns=TIMES),
}
OF_POLARS = {
    "mixed": polars_frame(),
    "objects": pl.DataFrame(
        {"a": [1], "b": pl.Series([object()], dtype=pl.Object), "c": ["x"]}
    ),
    "others": pl.DataFrame(
        {
            "a": pl.Series([None], dtype=pl.Datetime("ms", "Europe/Paris")),
            "b": [{"x": 1, "y": [2.0]}],
            "c": pl.Series([1], dtype=pl.Decimal(10, 2)),
            "d": [None],
        }
    ),
}


@pytest.mark.parametrize("table", OF_PANDAS.values(), ids=OF_PANDAS)
def test_a_frame_of_pandas_has_its_types_and_labels_again(table):
    assert_frame_equal(TableTypes.of(table).empty(), table[:0].reset_index(drop=True))


@pytest.mark.parametrize(
    "make_type",
    [
        lambda pa: pa.int64(),
        lambda pa: pa.decimal128(5, 2),
        lambda pa: pa.list_(pa.string()),
    ],
    ids=["int64", "decimal", "list"],
)
def test_types_of_pyarrow_are_kept_whole(make_type):
    dtype = pd.ArrowDtype(make_type(pytest.importorskip("pyarrow")))
    table = pd.DataFrame({"a": pd.Series([None], dtype=dtype)})
    assert TableTypes.of(table).empty()["a"].dtype == dtype


@pytest.mark.parametrize("table", OF_POLARS.values(), ids=OF_POLARS)
def test_a_frame_of_polars_has_its_types_again(table):
    empty = TableTypes.of(table).empty()
    assert empty.schema == table.schema
    assert len(empty) == 0


@pytest.mark.parametrize(
    "dtype",
    [
        np.float32,
        bool,
        object,
        "U3",
        np.dtypes.StringDType(),
        np.dtypes.StringDType(na_object=None),
    ],
    ids=str,
)
def test_an_array_has_its_type_again(dtype):
    array = np.zeros((2, 3), dtype)
    assert TableTypes.of(array).empty().dtype == array.dtype


WITHOUT_PANDAS = """
import pickle, sys
class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name == "pandas":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refusing())
sys.stdout.write(str(pickle.load(sys.stdin.buffer).transform([[1.0, 2.0]]).shape))
"""


def test_a_model_of_a_frame_encodes_arrays_where_pandas_is_not_installed():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=["a", "b"])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WITHOUT_PANDAS],
        input=pickle.dumps(make().fit(X)),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == "(1, 4)"
