"""Training and using models on a Dask cluster of processes of this machine."""

import gc
import os
import pickle
import signal
import threading
import warnings
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from shard_cases import (
    assert_same,
    every_case,
    make_case,
    rows,
    rows_model,
    split,
    with_holes,
)
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV

from sk_autoenc import (
    DenoisingAutoencoder,
    DenoisingImputer,
    LeafVectorizer,
    StackedDenoisingAutoencoder,
    SubtreeCounts,
)
from sk_autoenc.shards import InProcess, fit_shards

dask = pytest.importorskip("dask")
pytest.importorskip("distributed")
import dask.array as da  # noqa: E402
import dask.bag as db  # noqa: E402
import dask.dataframe as dd  # noqa: E402
import distributed  # noqa: E402

import sk_autoenc.dask as on_dask  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:Maximum iterations"),
    # Of sockets and processes of a cluster that is being closed.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def loops_are_collected():
    """Collect what is left of clusters here, and not where a warning is an error."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


def make_cluster(n_workers):
    return distributed.LocalCluster(
        n_workers=n_workers, threads_per_worker=1, dashboard_address=":0"
    )


@pytest.fixture(scope="module")
def client_of():
    """Make clusters of so many workers, each once; give their clients."""
    with ExitStack() as stack:
        clients = {}

        def client_of(n_workers):
            if n_workers not in clients:
                cluster = stack.enter_context(make_cluster(n_workers))
                client = distributed.Client(cluster, set_as_default=False)
                clients[n_workers] = stack.enter_context(client)
            return clients[n_workers]

        yield client_of


@pytest.fixture(params=[1, 2, 4])
def client(request, client_of):
    return client_of(request.param)


@pytest.fixture
def two_workers(client_of):
    return client_of(2)


def collection(X):
    """Make a dask collection of those partitions."""
    if isinstance(X, list):
        return db.from_delayed([dask.delayed(part) for part in split(X)])
    return da.concatenate(
        [da.from_delayed(dask.delayed(part), part.shape, X.dtype) for part in split(X)]
    )


# The same as on one machine


@every_case
def test_any_number_of_workers_gives_what_one_process_gives(client, name):
    model, X = make_case(name)
    alone = fit_shards(clone(model), InProcess(split(X)))
    tolerance = 1e-4 if name == "float32" else 1e-10
    assert on_dask.fit(model, collection(X), client=client) is model
    assert_same(model, alone, tolerance)


def test_the_partitions_do_not_depend_on_who_asks(two_workers):
    """A client that is in use is found; without one all is done in this process."""
    model, X = make_case("dense")
    with two_workers.as_current():
        on_workers = on_dask.fit(clone(model), collection(X))
    assert_same(
        on_dask.fit(clone(model), collection(X), client=two_workers), on_workers
    )


def test_columns_that_are_cut_are_put_together(two_workers):
    model, X = make_case("dense")
    whole = on_dask.fit(clone(model), da.from_array(X, (50, 8)), client=two_workers)
    cut = on_dask.fit(clone(model), da.from_array(X, (50, 3)), client=two_workers)
    assert_same(cut, whole)


def test_a_data_frame_has_names(two_workers):
    frame = pd.DataFrame(rows(), columns=list("abcdefgh"))
    model = on_dask.fit(
        rows_model(), dd.from_pandas(frame, npartitions=3), client=two_workers
    )
    assert model.feature_names_in_.tolist() == list("abcdefgh")
    codes = on_dask.transform(model, dd.from_pandas(frame, npartitions=2))
    assert_allclose(codes.compute(), model.transform(frame), rtol=1e-12)


def test_holes_of_a_data_frame_are_filled(two_workers):
    frame = pd.DataFrame(with_holes(), columns=list("abcdefgh"))
    frame["colour"] = pd.Categorical(np.where(frame.a > 0.5, "red", "blue"))
    frame.loc[5:20, "colour"] = None
    imputer = DenoisingImputer(
        max_steps=40, n_estimators=1, add_indicator=True, random_state=0
    )
    whole = clone(imputer).fit(frame)
    collected = dd.from_pandas(frame, npartitions=3)
    on_dask.fit(imputer, collected, client=two_workers)
    assert imputer.statistics_[-1] == whole.statistics_[-1]
    assert_allclose(list(imputer.statistics_[:-1]), list(whole.statistics_[:-1]))
    filled = on_dask.transform(imputer, collected)
    expected = whole.transform(frame)
    assert filled.columns.tolist() == expected.columns.tolist()
    filled = filled.compute()
    assert (filled.colour == expected.colour).all()
    numbers = expected.columns.drop("colour")
    filled, expected = (each[numbers].astype(float) for each in (filled, expected))
    assert_allclose(filled, expected, atol=1e-3)


def test_a_model_goes_on_where_it_was(two_workers):
    model, X = make_case("dense")
    model.set_params(warm_start=True)
    alone = clone(model)
    for _ in range(2):
        on_dask.fit(model, collection(X), client=two_workers)
        fit_shards(alone, InProcess(split(X)))
    assert len(model.loss_curve_) == 6
    assert_same(model, alone)


def test_warnings_are_those_of_fit(two_workers):
    model, X = make_case("dense")
    model.set_params(max_iter=2, batch_size=10_000, learning_rate="constant")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        on_dask.fit(model, collection(X), client=two_workers)
    said = [each for each in caught if "sk_autoenc" not in each.filename]
    assert any("batch_size" in str(each.message) for each in said)
    assert any(each.category is ConvergenceWarning for each in said)
    assert {each.filename for each in said if "batch" in str(each.message)} == {
        __file__
    }


# Workers that die, and what else goes wrong


def killing(X, level, rng, once):
    """Corrupt nothing; but the first worker to come here dies."""
    try:
        Path(once).touch(exist_ok=False)
    except FileExistsError:
        return X.copy()
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_worker_that_is_killed_in_an_epoch_changes_nothing(tmp_path):
    corruption = partial(killing, once=str(tmp_path / "killed"))
    model, X = rows_model(corruption=corruption), rows()
    with make_cluster(2) as cluster, distributed.Client(cluster) as client:
        pids = client.run(os.getpid)
        on_dask.fit(model, collection(X), client=client)
        assert client.run(os.getpid) != pids
    assert (tmp_path / "killed").exists()
    alone = fit_shards(rows_model(corruption=corruption), InProcess(split(X)))
    assert_same(model, alone)


def test_a_lost_scheduler_is_an_error_and_the_model_stays():
    model, X = make_case("dense")
    model.set_params(max_iter=10_000)
    impatient = dask.config.set({"distributed.comm.timeouts.connect": "2s"})
    with impatient, make_cluster(1) as cluster, distributed.Client(cluster) as client:
        timer = threading.Timer(2.0, cluster.sync, [cluster.scheduler.close])
        timer.start()
        with pytest.raises(ConnectionError, match="scheduler was lost"):
            on_dask.fit(model, collection(X), client=client)
        timer.join()
    assert not hasattr(model, "components_")


def failing(part):
    raise OSError("no such file")


def test_a_partition_that_raises_is_named(two_workers):
    X = collection(rows())
    bad = da.concatenate(
        [X[:50], da.from_delayed(dask.delayed(failing)(0), (9, 8), float)]
    )
    model = rows_model()
    with pytest.raises(OSError, match="no such file") as raised:
        on_dask.fit(model, bad, client=two_workers)
    assert not hasattr(model, "components_")
    assert any("partition" in note for note in raised.value.__notes__)


def test_a_value_that_is_refused_is_named(two_workers):
    X = rows()
    X[120, 3] = np.inf
    with pytest.raises(ValueError, match="infinity") as raised:
        on_dask.fit(rows_model(), collection(X), client=two_workers)
    assert raised.value.__notes__ == ["This is about partition 2 of X, counted from 0."]


def test_partitions_of_other_lengths_are_refused(two_workers):
    parts = [dask.delayed(np.ones)((20, width)) for width in (8, 8, 7)]
    X = da.concatenate([da.from_delayed(part, (20, 8), float) for part in parts])
    message = "n_features_in_ of partition 0 is 8, and of partition 2 it is 7"
    with pytest.raises(ValueError, match=message):
        on_dask.fit(rows_model(), X, client=two_workers)


def test_no_rows_at_all_are_refused(two_workers):
    with pytest.raises(ValueError, match="0 samples"):
        on_dask.fit(rows_model(), da.zeros((0, 8)), client=two_workers)


REFUSED = {
    "an array": (rows_model(), rows, TypeError, "from_array"),
    "one dimension": (rows_model(), lambda: da.zeros(5), ValueError, "2-D"),
    "a stack": (
        StackedDenoisingAutoencoder(),
        lambda: da.zeros((5, 2)),
        TypeError,
        "StackedDenoisingAutoencoder cannot be trained on data in parts",
    ),
    "sparsity": (
        rows_model(sparsity=0.1, activation="logistic"),
        lambda: da.zeros((5, 2)),
        ValueError,
        "sparsity=0.1",
    ),
    "sampling": (
        rows_model(reconstruction_sampling=1.0),
        lambda: da.zeros((5, 2)),
        ValueError,
        "reconstruction_sampling=1.0",
    ),
    "a parameter": (
        rows_model(alpha=-1),
        lambda: da.zeros((5, 2)),
        ValueError,
        "'alpha' parameter",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_work_is_refused_before_any_work(name):
    model, make, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        on_dask.fit(model, make())


def test_what_is_no_client_is_refused(two_workers):
    X = collection(rows())
    with pytest.raises(TypeError, match=r"client must be a distributed\.Client"):
        on_dask.fit(rows_model(), X, client="tcp://127.0.0.1:8786")
    closed = distributed.Client(two_workers.cluster, set_as_default=False)
    closed.close()
    with pytest.raises(ValueError, match="this one is closed"):
        on_dask.fit(rows_model(), X, client=closed)


def failing_corruption(X, level, rng):
    raise RuntimeError("no corruption today")


def test_an_error_of_a_step_names_no_partition(two_workers):
    model = rows_model(corruption=failing_corruption)
    with pytest.raises(RuntimeError, match="today") as raised:
        on_dask.fit(model, collection(rows()), client=two_workers)
    assert not hasattr(raised.value, "__notes__")
    assert not hasattr(model, "components_")


def fit_in_a_task(X):
    return on_dask.fit(rows_model(), X).loss_


def test_a_task_can_fit(two_workers):
    X = da.from_array(rows(), chunks=(70, 8))
    losses = [two_workers.submit(fit_in_a_task, X, pure=False) for _ in range(3)]
    alone = on_dask.fit(rows_model(), X, client=two_workers)
    for loss in losses:
        assert loss.result(timeout=60) == pytest.approx(alone.loss_, rel=1e-9)


# Used on a cluster


@pytest.mark.parametrize("name", ["dense", "float32", "sparse", "holes", "trees"])
@pytest.mark.parametrize("sent", [True, False])
def test_codes_and_scores_are_those_of_the_model(two_workers, name, sent):
    model, X = make_case(name)
    model.fit(X)
    client = two_workers if sent else None
    for method in ("transform", "score_samples"):
        expected = getattr(model, method)(X)
        lazy = getattr(on_dask, method)(model, collection(X), client=client)
        found = lazy.compute(scheduler=client)
        assert lazy.dtype == found.dtype == expected.dtype
        assert_allclose(found, expected, rtol=1e-5 if name == "float32" else 1e-12)


def test_codes_are_those_of_the_model_as_it_was():
    model, X = make_case("dense")
    codes = model.fit(X).transform(X)
    lazy = on_dask.transform(model, collection(X))
    model.set_params(random_state=5).fit(X)
    assert_allclose(lazy.compute(scheduler="sync"), codes, rtol=1e-12)


def test_an_estimator_that_is_not_fitted_is_refused():
    for model, X in (make_case("dense"), make_case("trees")):
        with pytest.raises(NotFittedError):
            on_dask.transform(model, collection(X))


def test_counts_of_subtrees_are_sparse_blocks():
    _, X = make_case("trees")
    counts = SubtreeCounts(n_features=50).fit(X)
    found = on_dask.transform(counts, collection(X)).compute(scheduler="sync")
    assert_array_equal(found.toarray(), counts.transform(X).toarray())


def test_what_gives_no_array_is_refused():
    X = [("a", ("b", "c")), ("b", "a"), ("c",)]
    bag = db.from_sequence(X, npartitions=2)
    with pytest.raises(TypeError, match="makes no dask array"):
        on_dask.transform(LeafVectorizer().fit(X), bag)


def test_a_bag_may_give_its_trees_one_by_one(two_workers):
    model, X = make_case("trees")
    lazy = collection(X).map_partitions(iter)
    assert_same(
        on_dask.fit(clone(model), lazy, client=two_workers),
        on_dask.fit(model, collection(X), client=two_workers),
    )


def test_codes_of_float32_trees_are_float32():
    model, X = make_case("trees")
    X = [(np.ones(3, np.float32), np.ones(3, np.float32)) for _ in X]
    lazy = on_dask.transform(model.fit(X), collection(X))
    assert lazy.dtype == lazy.compute(scheduler="sync").dtype == np.float32


def test_codes_can_be_data_frames(two_workers):
    model, X = make_case("dense")
    model.set_output(transform="pandas").fit(X)
    codes = on_dask.transform(model, collection(X)).compute(scheduler="sync")
    assert codes.columns.tolist() == model.get_feature_names_out().tolist()
    assert_allclose(codes, model.transform(X), rtol=1e-12)


def test_codes_are_decoded(two_workers):
    model, X = make_case("dense")
    codes = on_dask.transform(model.fit(X), collection(X))
    decoded = on_dask.inverse_transform(model, codes, client=two_workers)
    assert decoded.shape == X.shape
    decoded = decoded.compute(scheduler=two_workers)
    assert_allclose(decoded, model.reconstruct(X), rtol=1e-12)


def test_codes_are_unfolded_into_trees():
    model, X = make_case("trees")
    model.fit(X)
    bag = collection(X)
    codes = on_dask.transform(model, bag)
    unfolded = on_dask.inverse_transform(model, codes, bag).compute(scheduler="sync")
    expected = model.inverse_transform(model.transform(X), structures=X)
    assert len(unfolded) == len(expected)
    assert_allclose(unfolded[7][0], expected[7][0], rtol=1e-12)


def test_trees_in_other_partitions_than_codes_are_refused():
    model, X = make_case("trees")
    codes = on_dask.transform(model.fit(X), collection(X))
    with pytest.raises(ValueError, match="5 partitions and structures 1"):
        on_dask.inverse_transform(model, codes, db.from_sequence(X, npartitions=1))


def test_an_estimator_of_collections_fits_a_clone(two_workers):
    model, X = make_case("dense")
    twin = on_dask.OnDask(model)
    with pytest.raises(NotFittedError):
        twin.transform(collection(X))
    with two_workers.as_current():
        twin.fit(collection(X))
    assert not hasattr(model, "components_")
    assert_same(twin.estimator_, on_dask.fit(model, collection(X), client=two_workers))
    codes = twin.transform(collection(X))
    assert_allclose(codes.compute(), model.transform(X), rtol=1e-9)
    assert_allclose(
        twin.score_samples(collection(X)).compute(), model.score_samples(X), rtol=1e-9
    )
    assert_allclose(
        twin.inverse_transform(codes).compute(), model.reconstruct(X), rtol=1e-9
    )
    assert clone(twin.set_params(estimator__n_components=2)).estimator.n_components == 2


def test_a_fitted_model_needs_no_dask(two_workers):
    model, X = make_case("dense")
    on_dask.fit(model, collection(X), client=two_workers)
    assert type(model) is DenoisingAutoencoder
    names = {type(value).__module__ for value in vars(model).values()}
    assert not any("dask" in name or "distributed" in name for name in names)
    copied = pickle.loads(pickle.dumps(model))
    assert_array_equal(model.transform(X), copied.transform(X))


def test_a_search_runs_on_the_workers(two_workers):
    search = GridSearchCV(rows_model(), {"n_components": [2, 3]}, cv=2)
    alone = clone(search).fit(rows())
    with two_workers.as_current(), joblib.parallel_config("dask"):
        search.fit(rows())
    assert_allclose(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )
