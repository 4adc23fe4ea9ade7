"""Rows that are read from files, block by block."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sk_autoenc import (
    DenoisingAutoencoder,
    DenoisingImputer,
    MarginalizedDenoisingAutoencoder,
    StackedDenoisingAutoencoder,
    UnfoldingRAETransformer,
    out_of_core,
)
from sk_autoenc.sources import source_of
from sk_autoenc.windows import Windows

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

N_ROWS, N_FEATURES = 300, 6
BUFFER = 2 * 2 * 20 * N_FEATURES * 8
"""Bytes of two windows of two batches each: 40 rows of 300."""


@pytest.fixture(autouse=True)
def blocks_of_a_few_rows(monkeypatch):
    monkeypatch.setattr("sk_autoenc.sources.BLOCK_BYTES", 33 * N_FEATURES * 8)


def rows():
    return np.random.default_rng(0).random((N_ROWS, N_FEATURES))


def with_holes():
    X = rows()
    X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
    return X


def make(**settings):
    usual = {"n_components": 4, "batch_size": 20, "max_iter": 3, "random_state": 0}
    return DenoisingAutoencoder(**usual | settings)


def memory_map(X, folder):
    path = folder / "X.npy"
    np.save(path, X)
    return np.load(path, mmap_mode="r")


def zarr_array(X, folder):
    zarr = pytest.importorskip("zarr")
    array = zarr.create_array(
        str(folder / "X.zarr"), shape=X.shape, chunks=(17, 4), dtype=X.dtype
    )
    array[:] = X
    return array


def parquet(X, folder):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.dataset
    import pyarrow.parquet

    names = [f"column {k}" for k in range(X.shape[1])]
    for number, part in enumerate((X[:130], X[130:])):
        # from_pandas: NaN is null
        columns = [pa.array(column, from_pandas=True) for column in part.T]
        table = pa.table(columns, names=names)
        path = folder / f"part-{number}.parquet"
        pyarrow.parquet.write_table(table, path, row_group_size=45)
    return pyarrow.dataset.dataset(folder, format="parquet")


FORMS = {"memory map": memory_map, "zarr": zarr_array, "parquet": parquet}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def assert_same(model, other, tolerance=1e-12):
    for name in ("components_", "decoder_components_", "intercept_visible_"):
        ours, others = getattr(model, name), getattr(other, name)
        assert ours.dtype == others.dtype
        assert_allclose(ours, others, rtol=tolerance, atol=tolerance)
    assert_allclose(model.loss_curve_, other.loss_curve_, rtol=tolerance)


# The same as in memory


@every_form
@pytest.mark.parametrize("data", [rows, with_holes])
def test_in_the_order_of_the_file_it_is_what_fit_gives(form, data, tmp_path):
    X, model = data(), make(shuffle=False)
    whole = clone(model).fit(X)
    out_of_core.fit(model, form(X, tmp_path), buffer_bytes=BUFFER)
    assert_same(model, whole, 0)


@every_form
def test_a_buffer_of_all_rows_gives_what_fit_gives(form, tmp_path):
    X, model = with_holes(), make(corruption="swap", solver="sgd")
    whole = clone(model).fit(X)
    assert_same(out_of_core.fit(model, form(X, tmp_path)), whole, 0)


def test_held_out_rows_are_those_of_fit(tmp_path):
    X, model = rows(), make(shuffle=False, early_stopping=True, corruption=None)
    whole = clone(model).fit(X)
    out_of_core.fit(model, memory_map(X, tmp_path), buffer_bytes=BUFFER)
    assert_same(model, whole)
    assert_allclose(
        model.validation_loss_curve_, whole.validation_loss_curve_, rtol=1e-12
    )


def test_lbfgs_goes_over_the_file_at_each_evaluation(tmp_path):
    X, model = rows(), make(solver="lbfgs", corruption=None, max_iter=10)
    whole = clone(model).fit(X)
    out_of_core.fit(model, memory_map(X, tmp_path), buffer_bytes=BUFFER)
    assert_same(model, whole, 1e-10)


@pytest.mark.parametrize("settings", [{"n_layers": 2}, {"block_size": 4}])
def test_moments_add_up_over_the_file(settings, tmp_path):
    model = MarginalizedDenoisingAutoencoder(**settings, random_state=0)
    whole = clone(model).fit(rows())
    out_of_core.fit(model, memory_map(rows(), tmp_path))
    for ours, others in zip(model.coefs_, whole.coefs_, strict=True):
        assert_allclose(ours, others, rtol=1e-9, atol=1e-12)


def test_holes_are_filled_as_in_memory(tmp_path):
    imputer = DenoisingImputer(max_steps=40, n_estimators=1, random_state=0)
    X, data = with_holes(), memory_map(with_holes(), tmp_path)
    whole = clone(imputer).fit(X)
    out_of_core.fit(imputer, data)
    assert_allclose(imputer.statistics_, whole.statistics_, rtol=1e-12)
    filled = out_of_core.transform(imputer, data)
    assert_allclose(filled, whole.transform(X), rtol=1e-3, atol=1e-3)


def test_float32_stays(tmp_path):
    X = rows().astype(np.float32)
    model = out_of_core.fit(make(shuffle=False), memory_map(X, tmp_path))
    assert_same(model, make(shuffle=False).fit(X), 0)


def test_whole_numbers_become_floats(tmp_path):
    X = (rows() * 255).astype(np.uint8)
    settings = {"shuffle": False, "learning_rate_init": 1e-5}
    model = out_of_core.fit(make(**settings), memory_map(X, tmp_path))
    assert_same(model, make(**settings).fit(X), 0)


def test_names_of_columns_are_kept(tmp_path):
    data = parquet(rows(), tmp_path)
    model = out_of_core.fit(make(), data)
    assert model.feature_names_in_.tolist() == data.schema.names
    codes = out_of_core.transform(model, data)
    assert codes.shape == (N_ROWS, 4)
    other = out_of_core.fit(make(), data)
    other.feature_names_in_ = other.feature_names_in_[::-1]
    with pytest.raises(ValueError, match="was fitted on"):
        out_of_core.transform(other, data)


def test_a_model_goes_on_where_it_was(tmp_path):
    X, model = rows(), make(shuffle=False, warm_start=True)
    whole = clone(model).fit(X).fit(X)
    for _ in range(2):
        out_of_core.fit(model, memory_map(X, tmp_path), buffer_bytes=BUFFER)
    assert_same(model, whole, 0)


def test_a_run_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr("sk_autoenc.checkpoint.SECONDS_BETWEEN", 0)
    X = memory_map(rows(), tmp_path)
    whole = out_of_core.fit(make(), X, buffer_bytes=BUFFER)
    read, model = Windows.take, make()

    def fail_in_the_last_epoch(self, places, *arguments):
        if self.n_epochs == 3:
            raise OSError("disk gone")
        read(self, places, *arguments)

    order = Windows.order

    def counting(self, *arguments):
        self.n_epochs = getattr(self, "n_epochs", 0) + 1
        return order(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Windows, "take", fail_in_the_last_epoch)
        patch.setattr(Windows, "order", counting)
        with pytest.raises(OSError, match="disk gone"):
            out_of_core.fit(model, X, buffer_bytes=BUFFER, checkpoint=tmp_path / "c")
    out_of_core.fit(model, X, buffer_bytes=BUFFER, checkpoint=tmp_path / "c")
    assert_same(model, whole, 0)


# The buffer


def read_an_epoch(windows, rng, rows, batch=20, shuffle=True):
    places = windows.order(rng, rows, shuffle)
    batches = []
    for start in range(0, len(places), batch):
        out = np.empty((len(places[start : start + batch]), 1))
        windows.take(places[start : start + batch], 0, out, "clip")
        batches.append(out[:, 0])
    return np.concatenate(batches)


def numbered(n_rows=N_ROWS):
    return source_of(np.arange(float(n_rows))[:, None])


@pytest.mark.parametrize("n_rows_of_window", [20, 60, 280, 300, 1000])
def test_each_row_comes_once_an_epoch_in_an_order_of_its_own(n_rows_of_window, rng):
    windows = Windows(numbered(), np.dtype(float), n_rows_of_window)
    chosen = np.sort(rng.permutation(N_ROWS)[:270])
    first, second = (read_an_epoch(windows, rng, chosen) for _ in range(2))
    windows.close()
    for epoch in (first, second):
        assert_array_equal(np.sort(epoch), chosen)
    assert (first != second).any()
    in_order = read_an_epoch(
        Windows(numbered(), np.dtype(float), n_rows_of_window),
        rng,
        chosen,
        shuffle=False,
    )
    assert_array_equal(in_order, chosen)


def test_an_epoch_that_is_left_does_not_disturb_the_next(rng):
    windows = Windows(numbered(), np.dtype(float), 20)
    everything = np.arange(N_ROWS)
    windows.order(rng, everything, True)
    windows.take(np.arange(20), 0, np.empty((20, 1)), "clip")
    assert_array_equal(np.sort(read_an_epoch(windows, rng, everything)), everything)
    windows.close()


def test_a_file_that_cannot_be_read_any_more_is_an_error(rng):
    source = numbered()

    def read(number):
        if number == 1:
            raise OSError("bad sector")
        return source.read(number)

    windows = Windows(source._replace(read=read), np.dtype(float), 20)
    with pytest.raises(OSError, match="bad sector"):
        read_an_epoch(windows, rng, np.arange(N_ROWS))
    windows.close()


def test_threads_end_with_the_fit(tmp_path, monkeypatch):
    made = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr("sk_autoenc.windows.ThreadPoolExecutor", Pool)
    out_of_core.fit(make(), memory_map(rows(), tmp_path), buffer_bytes=BUFFER)
    assert [pool._shutdown for pool in made] == [True]


CHILD = """
import resource, sys
import numpy as np
from sk_autoenc import DenoisingAutoencoder, out_of_core
X = np.load(sys.argv[1], mmap_mode="r")
model = DenoisingAutoencoder(8, batch_size=200, max_iter=1, random_state=0)
model.fit(np.array(X[:400]))  # whatever is loaded once
with open("/proc/self/status") as status:
    used = next(int(line.split()[1]) for line in status if line.startswith("VmData"))
limit = used * 1024 + X.nbytes // 4
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
out_of_core.fit(model, X, buffer_bytes=X.nbytes // 16)
codes = np.lib.format.open_memmap(sys.argv[2], "w+", np.float32, (len(X), 8))
out_of_core.transform(model, X, codes)
print(model.n_iter_, np.isfinite(codes).all())
try:
    np.array(X)
except MemoryError:
    print("it does not fit")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_bounded(tmp_path):
    X = np.random.default_rng(0).random((400_000, 64), np.float32)
    np.save(tmp_path / "X.npy", X)
    arguments = [str(tmp_path / name) for name in ("X.npy", "codes.npy")]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "1 True\nit does not fit\n", done.stderr


# Refusals


REFUSED = {
    "a list": (make(), lambda: [[1.0, 2.0]], TypeError, "read by slices"),
    "a sparse matrix": (
        make(),
        lambda: scipy.sparse.csr_array(rows()),
        TypeError,
        "sparse",
    ),
    "one dimension": (make(), lambda: np.zeros(4), ValueError, "2-D"),
    "no rows": (make(), lambda: np.zeros((0, 4)), ValueError, "0 samples"),
    "a stack": (StackedDenoisingAutoencoder(), rows, TypeError, "data in parts"),
    "trees": (UnfoldingRAETransformer(), rows, TypeError, "Forest.open"),
    "a small buffer": (make(batch_size=300), rows, ValueError, "buffer_bytes=3840"),
    "a parameter": (make(alpha=-1), rows, ValueError, "'alpha' parameter"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_work_is_refused(name):
    model, data, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        out_of_core.fit(model, data(), buffer_bytes=BUFFER)
    assert not hasattr(model, "n_iter_")


def test_the_rows_of_a_value_that_is_refused_are_noted(tmp_path):
    X = rows()
    X[120, 3] = np.inf
    with pytest.raises(ValueError, match="infinity") as raised:
        out_of_core.fit(make(), memory_map(X, tmp_path), buffer_bytes=BUFFER)
    assert raised.value.__notes__ == ["This is about rows 99 to 131 of X."]


def test_columns_that_are_no_numbers_are_named(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.dataset

    table = pa.table({"size": [1.0, 2.0], "colour": ["red", "blue"]})
    with pytest.raises(ValueError, match="'colour' is of type string"):
        out_of_core.fit(make(), pyarrow.dataset.dataset(table))


# Used on files


@every_form
def test_codes_scores_and_rows_are_those_of_the_model(form, tmp_path):
    X = with_holes()
    model, data = make().fit(X), form(X, tmp_path)
    codes = out_of_core.transform(model, data)
    assert_allclose(codes, model.transform(X), rtol=1e-13)
    scores = out_of_core.score_samples(model, data)
    assert_allclose(scores, model.score_samples(X), rtol=1e-13)
    decoded = out_of_core.inverse_transform(model, codes)
    assert_allclose(decoded, model.reconstruct(X), rtol=1e-13)


def test_codes_are_written_where_they_are_to_be(tmp_path):
    X = rows()
    model = make().fit(X)
    out = np.lib.format.open_memmap(tmp_path / "codes.npy", "w+", float, (N_ROWS, 4))
    assert out_of_core.transform(model, X, out) is out
    assert_allclose(np.load(tmp_path / "codes.npy"), model.transform(X), rtol=1e-13)
    with pytest.raises(
        ValueError, match=r"of shape \(300, 4\); got ndarray of shape \(300, 3\)"
    ):
        out_of_core.transform(model, X, np.empty((300, 3)))
    for out in ([0.0] * 300, np.empty((300, 4), int)):
        with pytest.raises(ValueError, match="out must be an array of floats"):
            out_of_core.transform(model, X, out)


def test_frames_of_codes_are_written_too():
    model = make().set_output(transform="pandas").fit(rows())
    codes = out_of_core.transform(model, rows())
    assert_allclose(codes, model.transform(rows()), rtol=1e-13)


@pytest.mark.parametrize("value", ["1GB", None, np.inf, 0, True, 2.0**28])
def test_a_buffer_that_is_no_number_of_bytes_is_refused(value):
    with pytest.raises(ValueError, match="buffer_bytes must be a whole number"):
        out_of_core.fit(make(), rows(), buffer_bytes=value)


def test_a_model_does_not_go_on_with_other_columns(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.dataset

    frame = pd.DataFrame(rows(), columns=list("abcdef"))
    model = make(warm_start=True).fit(frame)
    turned = pa.table({name: frame[name].to_numpy() for name in "fedcba"})
    with pytest.raises(ValueError, match="in that order"):
        out_of_core.fit(model, pyarrow.dataset.dataset(turned))
    assert model.n_iter_ == 3


def test_an_index_of_pandas_is_no_feature(tmp_path):
    pytest.importorskip("pyarrow")
    import pyarrow.dataset

    frame = pd.DataFrame(rows(), columns=list("abcdef"))
    frame[frame.a > 0.5].to_parquet(tmp_path / "some.parquet")
    model = out_of_core.fit(make(), pyarrow.dataset.dataset(tmp_path))
    assert model.feature_names_in_.tolist() == list("abcdef")


def test_a_file_that_lacks_a_column_is_refused(tmp_path):
    pytest.importorskip("pyarrow")
    import pyarrow.dataset

    frame = pd.DataFrame(rows(), columns=list("abcdef"))
    frame.to_parquet(tmp_path / "0.parquet")
    frame.drop(columns="c").to_parquet(tmp_path / "1.parquet")
    with pytest.raises(ValueError, match=r"1\.parquet.* has no column 'c'"):
        out_of_core.fit(make(), pyarrow.dataset.dataset(tmp_path))


BAR = """
import numpy as np
from sklearn.callback import ProgressBar
from sk_autoenc import DenoisingAutoencoder, out_of_core
model = DenoisingAutoencoder(2, max_iter=2).set_callbacks(ProgressBar())
out_of_core.fit(model, np.random.default_rng(0).random((300, 8)))
"""


def test_a_progress_bar_is_taken_down():
    """Else its threads would keep the process from ending."""
    pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    command = [sys.executable, "-c", BAR]
    done = subprocess.run(command, capture_output=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
