"""Forests in files: what is written is what is opened, and nothing else is opened."""

import copy
import json
import pickle
import shutil
from itertools import pairwise

import joblib
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal
from strategies import chain, tree_lists

from sk_autoenc.trees import array_files, nodes
from sk_autoenc.trees.array_files import GrowingFile
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.forest_files import DTYPES
from sk_autoenc.trees.nodes import Columns

A, B, C = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])
TREES = [((A, B), C), A, (C,), (B, (A, B, C), (C, A)), ((B,), C)]
FILES = ["forest.json", *(f"{name}.npy" for name in DTYPES)]


def is_mapped(array):
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False


def assert_same_arrays(left, right):
    assert_array_equal(left.leaf_table, right.leaf_table)
    assert_array_equal(left.tree_start, right.tree_start)
    for name in Columns._fields:
        assert_array_equal(getattr(left, name), getattr(right, name))
        assert getattr(left, name).dtype == getattr(right, name).dtype


@pytest.fixture
def forest():
    return Forest.from_nested(TREES)


@pytest.fixture
def path(tmp_path, forest):
    forest.save(tmp_path / "trees")
    return tmp_path / "trees"


# There and back


@given(tree_lists(n_features=2))
def test_any_trees_come_back_as_they_were(tmp_path_factory, trees):
    forest = Forest.from_nested(trees)
    path = tmp_path_factory.mktemp("forest") / "trees"
    forest.save(path)
    assert Forest.open(path) == forest
    assert_same_arrays(Forest.open(path), forest)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_opened_is_mapped_and_read_only(tmp_path, forest, dtype):
    forest.astype(dtype).save(tmp_path / "trees")
    opened = Forest.open(tmp_path / "trees")
    assert type(opened) is Forest
    assert opened.dtype == dtype
    for array in (opened.leaf_table, opened.tree_start, *opened._columns):
        assert is_mapped(array)
        assert not array.flags.writeable


def test_a_path_may_be_a_string_in_the_working_directory(tmp_path, forest, monkeypatch):
    monkeypatch.chdir(tmp_path)
    forest.save("trees")
    assert Forest.open("trees") == Forest.open(str(tmp_path / "trees")) == forest


def test_a_forest_of_no_trees_comes_back(tmp_path, forest):
    forest[:0].save(tmp_path / "trees")
    opened = Forest.open(tmp_path / "trees")
    assert len(opened) == 0
    assert opened == forest[:0]


def test_a_deep_tree_comes_back(tmp_path):
    forest = Forest.from_nested([chain(20_000, A)])
    forest.save(tmp_path / "trees")
    assert Forest.open(tmp_path / "trees") == forest


def test_files_are_written_and_read_in_blocks(tmp_path, forest, monkeypatch):
    for module, name in ((array_files, "BLOCK_BYTES"), (nodes, "PART_NODES")):
        monkeypatch.setattr(module, name, 7)
    forest.save(tmp_path / "trees")
    assert_same_arrays(Forest.open(tmp_path / "trees"), forest)


def test_the_arrays_are_files_that_numpy_reads(path, forest):
    for name in DTYPES:
        array = np.load(path / f"{name}.npy")
        assert_array_equal(array, getattr(forest, name))
    assert sorted(file.name for file in path.iterdir()) == sorted(FILES)


def test_a_few_trees_of_a_large_forest_do_not_take_its_table_along(tmp_path):
    forest = Forest.from_rows(np.arange(200.0).reshape(100, 2))
    forest[3:5].save(tmp_path / "trees")
    assert_array_equal(Forest.open(tmp_path / "trees").leaf_table, [[6, 7], [8, 9]])


def test_leaves_that_are_not_finite_are_refused_once_they_are_used(tmp_path, forest):
    vectors = np.ones((13, 2))
    vectors[12] = np.inf
    forest._with_trusted_leaves(vectors).save(tmp_path / "trees")
    opened = Forest.open(tmp_path / "trees")
    assert Forest.from_nested(opened[:4]) == opened[:4]
    with pytest.raises(ValueError, match=r"^tree 4, at \[1\]: leaf contains infinity"):
        Forest.from_nested(opened)


# What an opened forest does


def test_an_opened_forest_indexes_and_compares_as_one_in_memory(path, forest):
    opened = Forest.open(path)
    assert hash(opened) == hash(forest)
    assert repr(opened) == repr(forest)
    assert TREES[3] in opened
    for key in (2, slice(1, 4), [4, 0], np.arange(5) > 2):
        assert opened[key] == forest[key]
        assert is_mapped(opened[key].depth) == isinstance(key, slice)
        assert is_mapped(opened[key].leaf_table)
    for tree, other in zip(opened, forest.to_nested(), strict=True):
        assert Forest.from_nested([tree]) == Forest.from_nested([other])


@pytest.mark.parametrize(
    "copied",
    [
        lambda forest, tmp_path: pickle.loads(pickle.dumps(forest)),
        lambda forest, tmp_path: joblib.load(
            joblib.dump(forest, tmp_path / "trees.joblib")[0]
        ),
    ],
)
def test_a_pickle_of_an_opened_forest_holds_the_trees(path, forest, copied, tmp_path):
    twin = copied(Forest.open(path), tmp_path)
    shutil.rmtree(path)
    assert twin == forest
    assert not is_mapped(twin.depth)
    assert not is_mapped(twin.leaf_table)


def test_copies_of_an_opened_forest_share_its_maps(path):
    opened = Forest.open(path)
    assert copy.deepcopy(opened) is opened
    assert copy.copy(opened) is opened


def mapped_columns(forest):
    return is_mapped(forest.depth), is_mapped(forest.leaf_table), len(forest)


def test_a_process_of_joblib_maps_the_same_files(path):
    opened = Forest.open(path)
    found = joblib.Parallel(n_jobs=2)(
        joblib.delayed(mapped_columns)(part) for part in (opened, opened[1:3])
    )
    assert found == [(True, True, 5), (True, True, 2)]


# Parts


def test_parts_are_written_one_after_the_other_as_concatenate_joins_them(
    tmp_path, forest
):
    made = [forest[:2], Forest.from_rows([A, B]), forest[:0], Forest.from_nested(TREES)]
    Forest.save_parts(tmp_path / "trees", iter(made))
    opened = Forest.open(tmp_path / "trees")
    assert opened == Forest.concatenate(made)
    assert len(opened) == 9


def test_a_part_is_written_before_the_next_is_asked_for(tmp_path, forest):
    def make():
        for number in range(3):
            written = [p for p in tmp_path.iterdir() if p.name != "trees"]
            assert len(written) == (number > 0)
            yield forest

    Forest.save_parts(tmp_path / "trees", make())
    assert [p.name for p in tmp_path.iterdir()] == ["trees"]


def test_parts_that_share_a_table_store_it_once(tmp_path, forest):
    Forest.save_parts(tmp_path / "trees", (forest[[n, n]] for n in range(5)))
    opened = Forest.open(tmp_path / "trees")
    assert_array_equal(opened.leaf_table, forest.leaf_table)
    assert opened == forest[np.repeat(np.arange(5), 2)]


def test_parts_of_an_opened_forest_share_its_table(path, tmp_path, forest):
    opened = Forest.open(path)
    halves = (opened[first:last] for first, last in pairwise((0, 2, 5)))
    Forest.save_parts(tmp_path / "again", halves)
    assert_same_arrays(Forest.open(tmp_path / "again"), forest)


def test_rows_become_int64_once_the_table_is_too_long_for_int32(
    tmp_path, forest, monkeypatch
):
    monkeypatch.setattr(nodes, "MOST_ROWS", 5)
    made = [forest, Forest.from_nested(TREES[:2]), Forest.from_nested(TREES)]
    assert all(part.leaf_row.dtype == np.int32 for part in made)
    Forest.save_parts(tmp_path / "trees", made)
    opened = Forest.open(tmp_path / "trees")
    assert opened.leaf_row.dtype == np.int64
    assert opened.depth.dtype == np.int32
    assert opened == Forest.concatenate(made)
    assert opened[[0, 4]].leaf_row.dtype == np.int64
    assert sorted(file.name for file in (tmp_path / "trees").iterdir()) == sorted(FILES)


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        ([], ValueError, "forests to save are none"),
        (None, TypeError, "must be a list of Forest, not 'NoneType'"),
        (Forest.from_rows([A]), TypeError, "are several: pass a list of Forest"),
        ([TREES], TypeError, "forest 0 to save is of type 'list'"),
        (
            [Forest.from_rows([A]), Forest.from_rows([[1.0]])],
            ValueError,
            "forest 1 to save has leaves of length 1 and float64, the ones before 2",
        ),
        (
            [Forest.from_rows([A]), Forest.from_rows([A]).astype(np.float32)],
            ValueError,
            r"length 2 and float32, the ones before 2 and float64; make them alike",
        ),
    ],
)
def test_parts_that_do_not_make_a_forest_are_refused(tmp_path, made, error, message):
    with pytest.raises(error, match=message):
        Forest.save_parts(tmp_path / "trees", made)
    assert list(tmp_path.iterdir()) == []


# What is there already


def test_a_saved_forest_is_replaced(path, forest):
    opened = Forest.open(path)
    forest[:2].save(path)
    assert Forest.open(path) == forest[:2]
    assert opened == forest  # what is mapped is there for as long as it is
    assert [p.name for p in path.parent.iterdir()] == ["trees"]


def test_a_forest_may_replace_itself(path, forest):
    opened = Forest.open(path)
    opened[1:].save(path)
    assert Forest.open(path) == forest[1:]


def test_an_empty_directory_is_replaced(tmp_path, forest):
    (tmp_path / "trees").mkdir()
    forest.save(tmp_path / "trees")
    assert Forest.open(tmp_path / "trees") == forest


@pytest.mark.parametrize("other", ["file", "directory", "more", "headless", "link"])
def test_nothing_else_is_replaced(tmp_path, forest, other):
    path = tmp_path / "trees"
    if other == "file":
        path.write_text("mine")
    elif other == "directory":
        path.mkdir()
        (path / "mine.txt").write_text("mine")
    elif other == "link":
        forest.save(tmp_path / "target")
        path.symlink_to(tmp_path / "target")
    else:
        forest.save(path)
        (path / "mine.txt").write_text("mine")
        if other == "headless":
            (path / "mine.txt").unlink()
            (path / "forest.json").unlink()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FileExistsError, match=r"trees' is there already, and is no"):
        forest.save(path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_failure_leaves_what_was_there(path, forest):
    def make():
        yield forest[:1]
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        Forest.save_parts(path, make())
    assert Forest.open(path) == forest
    assert [p.name for p in path.parent.iterdir()] == ["trees"]


def test_a_failure_to_take_the_name_leaves_what_was_there(path, forest, monkeypatch):
    rename = type(path).rename

    def fail(self, target):
        if target == path and not self.name.endswith(".old"):
            raise PermissionError("not now")
        return rename(self, target)

    monkeypatch.setattr(type(path), "rename", fail)
    with pytest.raises(PermissionError, match="not now"):
        forest[:1].save(path)
    assert Forest.open(path) == forest
    assert [p.name for p in path.parent.iterdir()] == ["trees"]


def test_a_directory_to_save_in_must_be_there(tmp_path, forest):
    with pytest.raises(FileNotFoundError, match=r"no directory '.*nowhere' to save a"):
        forest.save(tmp_path / "nowhere" / "trees")


# Damage


def test_what_is_not_there_is_not_opened(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no forest at '.*trees'"):
        Forest.open(tmp_path / "trees")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(path, name):
    (path / name).unlink()
    with pytest.raises(ValueError, match=rf"{name}': the file is missing\. Save the"):
        Forest.open(path)


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_named_wherever_it_ends(path, name):
    data = (path / name).read_bytes()
    for stop in (0, 1, 64, 127, 128, len(data) - 2):
        (path / name).write_bytes(data[:stop])
        with pytest.raises(ValueError, match=rf"{name}': it "):
            Forest.open(path)


@pytest.mark.parametrize("name", FILES[1:])
def test_a_file_with_something_after_its_end_is_refused(path, name):
    with (path / name).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ValueError, match=r"bytes, expected \d+\. Save the forest anew"):
        Forest.open(path)


@pytest.mark.parametrize("name", FILES[1:])
def test_every_changed_byte_of_an_array_is_noticed(path, name, forest):
    data = (path / name).read_bytes()
    for place in range(0, len(data), 5):
        damaged = bytearray(data)
        damaged[place] ^= 1
        (path / name).write_bytes(damaged)
        with pytest.raises(ValueError, match=rf"{name}': its (checksum|header) is "):
            Forest.open(path)
    (path / name).write_bytes(data)
    assert Forest.open(path) == forest


def test_every_changed_byte_of_the_header_is_noticed_or_says_the_same(path, forest):
    data = (path / "forest.json").read_bytes()
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1
        (path / "forest.json").write_bytes(damaged)
        try:
            assert Forest.open(path) == forest
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "array",
    [
        np.arange(21, dtype=np.int64),
        np.arange(20, dtype=np.int32),
        np.arange(21, dtype=">i4"),
        np.arange(21, dtype=np.float32),
        np.zeros((21, 1), np.int32),
        np.array([{}] * 21),
    ],
    ids=["int64", "short", "big-endian", "float", "2-D", "object"],
)
def test_a_file_with_another_array_is_refused(path, array):
    np.save(path / "depth.npy", array, allow_pickle=True)
    with pytest.raises(ValueError, match=r"depth\.npy': its? "):
        Forest.open(path)


def change(path, **changes):
    header = json.loads((path / "forest.json").read_text())
    header |= changes
    (path / "forest.json").write_text(json.dumps(header))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "its version is 2, but this sk_autoenc reads version 1"),
        ({"version": None}, "its version is None"),
        ({"format": "zarr"}, "its format is 'zarr', expected 'sk_autoenc.Forest'"),
        ({"arrays": []}, "its arrays are not leaf_table, tree_start, leaf_row"),
        ({"arrays": {}}, "its arrays are not leaf_table"),
        ({"arrays": dict.fromkeys(DTYPES, 3)}, "leaf_table is 3, expected dtype"),
    ],
)
def test_another_format_or_version_is_refused(path, changes, message):
    change(path, **changes)
    with pytest.raises(ValueError, match=rf"forest\.json': {message}"):
        Forest.open(path)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"dtype": "<i8"}, r"depth has dtype '<i8', expected \('<i4',\)"),
        ({"dtype": "|O"}, "depth has dtype"),
        ({"shape": [21, 1]}, r"depth has shape \[21, 1\], expected 1 numbers"),
        ({"shape": 21}, "depth has shape 21"),
        ({"shape": [-21]}, "depth has -21 where a count is expected"),
        ({"shape": [21.0]}, r"depth has 21\.0 where a count"),
        ({"shape": [2**80]}, r"depth has \d+ where a count is expected"),
        ({"checksum": True}, "depth has True where a count"),
        ({"more": 1}, "depth is "),
    ],
)
def test_other_facts_of_an_array_are_refused(path, facts, message):
    arrays = json.loads((path / "forest.json").read_text())["arrays"]
    arrays["depth"] |= facts
    change(path, arrays=arrays)
    with pytest.raises(ValueError, match=rf"forest\.json': {message}"):
        Forest.open(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 10**5])
def test_a_header_that_is_no_object_is_refused(path, text):
    (path / "forest.json").write_text(text)
    with pytest.raises(ValueError, match=r"forest\.json': it (is not JSON|holds a)"):
        Forest.open(path)


@pytest.mark.parametrize("name", [name for name in DTYPES if name != "leaf_table"])
def test_arrays_that_are_no_forest_are_refused_though_their_checksums_fit(
    path, forest, name
):
    array = np.array(getattr(forest, name))
    array[5] += 10**6
    (path / f"{name}.npy").unlink()
    file = GrowingFile(path / f"{name}.npy", array.dtype)
    file.append(array)
    arrays = json.loads((path / "forest.json").read_text())["arrays"]
    change(path, arrays=arrays | {name: file.close()._asdict()})
    with pytest.raises(ValueError, match=r"trees': no forest: .*\. Save the forest"):
        Forest.open(path)


@pytest.mark.parametrize("name", Columns._fields)
def test_columns_of_different_lengths_are_refused(path, forest, name):
    (path / f"{name}.npy").unlink()
    file = GrowingFile(path / f"{name}.npy", np.int32)
    file.append(getattr(forest, name)[:-1])
    arrays = json.loads((path / "forest.json").read_text())["arrays"]
    change(path, arrays=arrays | {name: file.close()._asdict()})
    with pytest.raises(ValueError, match=r"trees': no forest: "):
        Forest.open(path)


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path):
    (tmp_path / "trees").write_text("mine")
    with pytest.raises(ValueError, match=r"forest\.json': the file is missing"):
        Forest.open(tmp_path / "trees")
