"""How much memory this process may take, whoever set the limit."""

import os
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None

UNKNOWN = 16 * 2**30
"""Taken for the machine's memory where it cannot be asked."""


def available_memory(proc="/proc", cgroup="/sys/fs/cgroup"):
    """Ask how many bytes this process may still allocate, at the most.

    The least that is left by the machine's memory, by the control groups of a container
    or service (v1 and v2) and by ``ulimit -v``. What other processes hold is not
    counted: it may be gone, or paged out, by the time.

    Parameters
    ----------
    proc, cgroup : path
        Where Linux shows processes and control groups. A system without them has no
        such limits.

    Returns
    -------
    int
        Bytes, 0 or more.
    """
    proc, cgroup = Path(proc), Path(cgroup)
    address_space, resident = _held(proc / "self" / "statm")
    memory = min([_physical_memory(), *_cgroup_limits(proc, cgroup)])
    return max(0, min(memory - resident, _address_space_limit() - address_space))


def _physical_memory():
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):  # not a POSIX system
        return UNKNOWN


def _held(statm):
    """Give the address space and the memory that this process holds, in bytes."""
    try:
        pages = [int(word) for word in statm.read_text().split()[:2]]
        page_size = os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):  # not Linux
        return 0, 0
    return (pages[0] * page_size, pages[1] * page_size) if len(pages) == 2 else (0, 0)


def _address_space_limit():
    if resource is None or not hasattr(resource, "RLIMIT_AS"):
        return float("inf")
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return float("inf") if limit == resource.RLIM_INFINITY else limit


def _cgroup_limits(proc, cgroup):
    """Give the limits of this process's control groups and of all above them.

    A container may show the groups' files from its own group down but the group's path
    as the host knows it: so parts of the path that are not there are passed over.
    """
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        words = line.split(":", 2)
        if len(words) < 3:
            continue
        controllers, path = words[1:]
        if controllers == "":
            roots, name = (cgroup, cgroup / "unified"), "memory.max"
        elif "memory" in controllers.split(","):
            roots, name = (cgroup / "memory",), "memory.limit_in_bytes"
        else:
            continue
        for root in roots:
            group = root / path.lstrip("/")
            for directory in (group, *group.parents):
                yield from _limit(directory / name)
                if directory == root:
                    break


def _limit(path):
    try:
        yield int(path.read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return
