"""What is said twice about the package is said alike; no network, nothing is built."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

import sk_autoenc

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
GROUPS = PYPROJECT["dependency-groups"]
TOX = tomllib.loads((ROOT / "tox.toml").read_text(encoding="utf-8"))
REPOSITORY = PROJECT["urls"]["Homepage"]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def pythons():
    """Versions of the classifiers, oldest first."""
    found = (
        re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line)
        for line in PROJECT["classifiers"]
    )
    return [match[1] for match in found if match]


def pins():
    """Name and version of every requirement of a group that names one version."""
    lines = [line for group in GROUPS.values() for line in group]
    matches = (
        re.fullmatch(r"([\w-]+)(?:\[\w+\])?==(.+)", line)
        for line in lines
        if isinstance(line, str)
    )
    return {match[1]: match[2] for match in matches if match}


def hooks():
    """The end of each hook repository's address, and the version it is used at."""
    pattern = r"repo: https://\S+/(\S+)\n\s+rev: v?(\S+)"
    return dict(re.findall(pattern, read(".pre-commit-config.yaml")))


def floors():
    """Name and oldest version of each dependency, as `X.Y`."""
    return dict(line.split(">=") for line in PROJECT["dependencies"])


@pytest.mark.parametrize(
    ("hook", "package"),
    [
        ("ruff-pre-commit", "ruff"),
        ("mirrors-mypy", "mypy"),
        ("codespell", "codespell"),
        ("rumdl-pre-commit", "rumdl"),
        ("check-jsonschema", "check-jsonschema"),
        ("zizmor-pre-commit", "zizmor"),
    ],
)
def test_a_hook_has_the_version_of_its_dependency_group(hook, package):
    assert hooks()[hook] == pins()[package]


def test_ci_runs_every_python_of_the_classifiers_and_no_other():
    assert [name for name in sorted(TOX["env_list"]) if name[0] == "3"] == pythons()


def test_the_oldest_python_is_the_one_that_is_required():
    assert PROJECT["requires-python"] == f">={pythons()[0]}"
    assert TOX["env"]["oldest"]["base_python"] == [pythons()[0]]


def test_make_asks_for_the_oldest_python():
    oldest = pythons()[0]
    assert f"Python {oldest} or newer" in read("Makefile")
    assert f"sys.version_info < ({oldest.replace('.', ', ')})" in read("Makefile")


def test_the_floors_of_the_dependencies_are_what_the_oldest_environment_installs():
    lines = read(".ci/oldest.txt").splitlines()
    installed = dict(line.split("==") for line in lines if line[0] != "#")
    assert installed == {name: f"{floor}.0" for name, floor in floors().items()}


@pytest.mark.parametrize("extra", ["dask", "onnx"])
def test_what_is_optional_is_tested_with_what_its_extra_asks_for(extra):
    assert set(PROJECT["optional-dependencies"][extra]) <= set(GROUPS["test"])


def test_the_read_me_names_the_supported_versions():
    table = dict(re.findall(r"^\| ([\w-]+) \| ([\d.]+) \|", read("README.md"), re.M))
    assert table == {"Python": pythons()[0], **floors()}
    assert f"| Python | {pythons()[0]} | {', '.join(pythons()[1:])} |" in read(
        "README.md"
    )


def test_the_citation_has_the_version_the_licence_and_the_address():
    citation = dict(re.findall(r"^([\w-]+): (.+)$", read("CITATION.cff"), re.M))
    assert citation["version"] == sk_autoenc.__version__
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == REPOSITORY


@pytest.mark.parametrize(
    "name",
    [
        "SECURITY.md",
        ".github/ISSUE_TEMPLATE/bug.yml",
        ".github/ISSUE_TEMPLATE/config.yml",
    ],
)
def test_the_repository_has_one_address(name):
    addresses = re.findall(r"https://[\w.]+/sk-autoenc/[\w-]+", read(name))
    assert addresses
    assert set(addresses) == {REPOSITORY}


def test_the_package_says_that_it_is_typed():
    assert (Path(sk_autoenc.__file__).parent / "py.typed").is_file()
    assert "Typing :: Typed" in PROJECT["classifiers"]


def strictly_checked():
    """The modules whose functions mypy wants hints of."""
    (modules,) = (
        entry["module"]
        for entry in PYPROJECT["tool"]["mypy"]["overrides"]
        if "disallow_untyped_defs" in entry
    )
    return modules


def test_every_module_whose_hints_are_checked_strictly_exists():
    assert "sk_autoenc" in strictly_checked()
    assert all(importlib.util.find_spec(module) for module in strictly_checked())


@pytest.mark.parametrize("name", sk_autoenc.__all__)
def test_hints_of_what_is_public_are_checked_strictly(name):
    """Those of inherited methods, too."""
    shown = getattr(sk_autoenc, name)
    written_in = {part.__module__ for part in getattr(shown, "__mro__", [shown])}
    ours = {module for module in written_in if module.startswith("sk_autoenc")}
    ours -= {"sk_autoenc._compat"}  # stands for what an old scikit-learn lacks
    assert ours
    assert ours <= set(strictly_checked())


def test_a_make_target_installs_a_group_that_exists():
    targets = re.findall(r"has-(\w+)$", read("Makefile"), re.M)
    assert targets
    assert set(targets) - {"demo"} <= set(GROUPS)
