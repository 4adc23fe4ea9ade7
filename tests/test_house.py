"""The rules of the house: who may import whom, and what the package shows."""

import ast
import importlib
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import sk_autoenc

ROOT = Path(sk_autoenc.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
PACKAGES = {"networks": 1, "trees": 1, "parts": 0}
"""Storey of each package; that of a module in the root is in `storey`."""

OPTIONAL = {
    "dask": ("dask", "distributed"),
    "dask_fleet": ("distributed",),
}
"""What a module that nobody imports by itself may need beside."""

every_file = pytest.mark.parametrize(
    "path", FILES, ids=lambda path: str(path.relative_to(ROOT))
)


def module_name(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(path):
    """Full names of all modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            for alias in node.names:  # `from package import module`
                if (
                    (ROOT.parent / f"{node.module}.{alias.name}".replace(".", "/"))
                    .with_suffix(".py")
                    .exists()
                ):
                    yield f"{node.module}.{alias.name}"


def storey(module):
    """0: parts; 1: networks, trees; 2: training, validation, ...; 3: estimators.

    4: the package itself, and onnx, which reads what estimators have learned.
    """
    parts = module.split(".")[1:]
    if not parts or parts[0] == "onnx":
        return 4
    if parts[0] in PACKAGES:
        return PACKAGES[parts[0]]
    if parts[0] in ("_compat", "_typing"):
        return 0
    below = (
        "training",
        "array_validation",
        "validation",
        "tree_validation",
        "table_validation",
        "label_validation",
        "row_validation",
        "objectives",
    )
    return 2 if parts[0] in below else 3


@every_file
def test_networks_parts_trees_and_training_do_not_know_scikit_learn(path):
    if path.relative_to(ROOT).parts[0] not in (*PACKAGES, "training.py"):
        return
    packages = {name.split(".")[0] for name in imports(path)}
    assert not packages & {"sklearn"}
    assert "sk_autoenc._compat" not in set(imports(path))


@every_file
def test_imports_point_down_only(path):
    """A module imports from lower storeys, or from its own."""
    module = module_name(path)
    for name in imports(path):
        if name.split(".")[0] == "sk_autoenc" and name != "sk_autoenc":
            assert storey(name) <= storey(module), f"{module} imports {name}"


@every_file
def test_only_numpy_scipy_and_scikit_learn_are_imported(path):
    allowed = {
        "numpy",
        "scipy",
        "sklearn",
        "threadpoolctl",
        "sk_autoenc",
        *OPTIONAL.get(path.name.split(".")[0], ()),
    } | sys.stdlib_module_names
    if path.parent.name == "onnx":
        allowed |= {"onnx", "skl2onnx"}
    assert {name.split(".")[0] for name in imports(path)} <= allowed


@every_file
def test_private_parts_of_scikit_learn_are_imported_in_compat_alone(path):
    if path.name == "_compat.py":
        return
    private = [
        name for name in imports(path) if name.startswith("sklearn") and "._" in name
    ]
    assert not private


def test_modules_do_not_import_each_other_in_a_circle():
    graph = {
        module_name(path): {
            name
            for name in imports(path)
            if name.startswith("sk_autoenc.") and name != module_name(path)
        }
        for path in FILES
    }
    names = set(graph)
    done = set()
    while names - done:
        ready = {name for name in names - done if graph[name] & names <= done}
        assert ready, f"a circle among {sorted(names - done)}"
        done |= ready


def test_all_lists_what_the_package_shows():
    shown = {
        alias.asname or alias.name
        for node in ast.parse((ROOT / "__init__.py").read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(shown) == sorted(sk_autoenc.__all__)
    assert sk_autoenc.__all__ == sorted(sk_autoenc.__all__)
    assert all(isinstance(name, str) for name in sk_autoenc.__all__)
    assert "DenoisingAutoencoder" in sk_autoenc.__all__


@every_file
def test_every_name_in_all_exists(path):
    if path.parent.name == "onnx":
        pytest.importorskip("skl2onnx", reason="sk_autoenc.onnx needs it")
    module = importlib.import_module(module_name(path))
    for name in getattr(module, "__all__", []):
        assert hasattr(module, name)


@every_file
def test_every_module_has_a_docstring(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


IMPORTED = """
import sys
import sklearn.base
try:
    import sklearn.callback
except ImportError:
    pass
by_scikit_learn = set(sys.modules)
import sk_autoenc
print(sorted({name.split(".")[0] for name in set(sys.modules) - by_scikit_learn}))
"""


def test_importing_the_package_imports_no_heavy_optional_library():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORTED],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(ast.literal_eval(done.stdout))
    assert "sk_autoenc" in imported
    assert not imported & {"torch", "matplotlib", "pandas", "polars", "rich", "skops"}
    assert not imported & {"onnx", "onnxruntime", "skl2onnx"}


def test_the_version_is_that_of_the_installed_package():
    assert sk_autoenc.__version__ == version("sk-autoenc")


def test_the_package_imports_nothing_that_is_optional():
    for path in FILES:
        if path.stem not in OPTIONAL:
            optional = {f"sk_autoenc.{name}" for name in OPTIONAL}
            assert not optional & set(imports(path)), path
