"""The memory that the guard against exploding trees counts with."""

import subprocess
import sys

import pytest

from sk_autoenc.trees import memory
from sk_autoenc.trees.memory import available_memory

MB, GB = 2**20, 2**30
PAGE = 4096


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Faked files of a machine of 8 GB, of which this process holds 1 MB."""
    monkeypatch.setattr(memory, "_physical_memory", lambda: 8 * GB)
    monkeypatch.setattr(memory, "_address_space_limit", lambda: float("inf"))
    monkeypatch.setattr(memory.os, "sysconf", lambda name: PAGE)

    class System:
        proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"

        def write(self, path, text):
            path = tmp_path / path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

        def available(self):
            return available_memory(self.proc, self.cgroup)

    system = System()
    system.write("proc/self/statm", "1024 256 100 1 0 300 0\n")
    return system


def test_what_the_process_holds_is_no_longer_available(system):
    assert system.available() == 8 * GB - MB


@pytest.mark.parametrize("root", ["cgroup", "cgroup/unified"])
def test_a_control_group_limits_memory_v2(system, root):
    system.write("proc/self/cgroup", "0::/user.slice/job\n")
    system.write(f"{root}/user.slice/job/memory.max", f"{2 * GB}\n")
    assert system.available() == 2 * GB - MB


def test_a_group_above_limits_memory_too_v2(system):
    system.write("proc/self/cgroup", "0::/user.slice/job\n")
    system.write("cgroup/user.slice/memory.max", f"{GB}\n")
    system.write("cgroup/user.slice/job/memory.max", "max\n")
    assert system.available() == GB - MB


def test_inside_a_container_the_limit_is_in_the_uppermost_group_v2(system):
    system.write("proc/self/cgroup", "0::/\n")
    system.write("cgroup/memory.max", f"{3 * GB}")
    assert system.available() == 3 * GB - MB


def test_a_control_group_limits_memory_v1(system):
    system.write(
        "proc/self/cgroup", "9:name=systemd:/\n5:cpu,cpuacct:/\n4:memory:/docker/ab:c\n"
    )
    system.write("cgroup/memory/docker/ab:c/memory.limit_in_bytes", f"{2 * GB}\n")
    system.write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert system.available() == 2 * GB - MB


def test_a_container_that_sees_only_its_own_group_is_limited_by_it_v1(system):
    system.write("proc/self/cgroup", "4:memory:/docker/abc\n0::/\n")
    system.write("cgroup/memory/memory.limit_in_bytes", f"{GB}\n")
    assert system.available() == GB - MB


@pytest.mark.parametrize("text", ["max\n", "", "many", "9223372036854771712", "-"])
def test_a_group_without_a_limit_leaves_the_machines_memory(system, text):
    system.write("proc/self/cgroup", "0::/\n4:memory:/\n")
    system.write("cgroup/memory.max", text)
    system.write("cgroup/memory/memory.limit_in_bytes", text)
    assert system.available() == 8 * GB - MB


@pytest.mark.parametrize("text", ["", "garbage\n", "::\n", "4:memory\n", "0::/../..\n"])
def test_a_list_of_groups_that_cannot_be_read_is_no_limit(system, text):
    system.write("proc/self/cgroup", text)
    assert system.available() == 8 * GB - MB


@pytest.mark.parametrize("text", ["", "garbage", "1"])
def test_what_the_process_holds_may_be_unknown(system, text):
    system.write("proc/self/statm", text)
    assert system.available() == 8 * GB


def test_a_system_without_these_files_has_its_machines_memory(system, tmp_path):
    assert available_memory(tmp_path / "none", tmp_path / "none") == 8 * GB


def test_the_limit_on_addresses_counts_less_what_is_in_use(system, monkeypatch):
    monkeypatch.setattr(memory, "_address_space_limit", lambda: 100 * MB)
    assert system.available() == 96 * MB


def test_nothing_is_available_beyond_a_limit(system, monkeypatch):
    monkeypatch.setattr(memory, "_address_space_limit", lambda: 2 * MB)
    assert system.available() == 0


def test_this_system_has_some_memory():
    assert 2**26 < available_memory() < 2**50


LIMITED = """
import resource
limit = 3 * 2**30
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from sk_autoenc.trees.forest import Forest
from sk_autoenc.trees.memory import available_memory
assert 0 < available_memory() < limit
tree = [1.0]
for _ in range(24):
    tree = (tree, tree)
try:
    Forest.from_nested([tree])
except ValueError as error:
    print(error)
"""


def test_a_child_process_under_ulimit_refuses_what_does_not_fit():
    done = subprocess.run(
        [sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True
    )
    assert f"unfolds to {2**25 - 1} nodes, more than memory holds" in done.stdout
