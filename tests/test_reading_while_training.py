"""Whoever reads while another thread trains gets the old model or the new one."""

import sys
import threading
import warnings

import numpy as np
import pytest
from estimators import every_case


@pytest.fixture
def frequent_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@every_case
def test_codes_are_those_of_one_of_the_models(case, frequent_switches):
    models = [case.make(random_state=seed, max_iter=1).fit(case.X) for seed in (0, 1)]
    expected = [model.transform(case.X) for model in models]
    shared = case.make(random_state=0, max_iter=1).fit(case.X)
    stop, failures, n_reads = threading.Event(), [], [0]

    def read():
        while not stop.is_set():
            try:
                codes = shared.transform(case.X)
                known = any(np.array_equal(codes, each) for each in expected)
            except Exception as error:  # whatever a reader meets fails the test below
                failures.append(error)
            else:
                failures.extend([] if known else [codes])
                n_reads[0] += 1

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for turn in range(25):
            shared.set_params(random_state=turn % 2).fit(case.X)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert not failures
    assert n_reads[0]


@every_case
def test_passes_while_others_read_never_unfit(case, frequent_switches):
    shared = case.make().fit(case.X)
    stop, failures = threading.Event(), []

    def read():
        while not stop.is_set():
            try:
                shared.transform(case.X)
                shared.score(case.X)
            except Exception as error:  # whatever a reader meets fails the test below
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(25):
            shared.partial_fit(case.X)
    stop.set()
    reader.join()
    assert not failures
