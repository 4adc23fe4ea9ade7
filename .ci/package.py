"""Build sdist and wheel, look into them, install each into an empty environment.

With the name of a folder the two are put there, for a release.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOT_IN_SDIST = {".gitattributes", ".gitignore"}

IMPORT = """
import sk_autoenc, importlib.metadata, importlib.resources
assert importlib.resources.files("sk_autoenc").joinpath("py.typed").is_file()
assert sk_autoenc.__version__ == importlib.metadata.version("sk-autoenc")
print(sk_autoenc.__version__, "from", sk_autoenc.__file__)
"""


def run(*command, cwd=None):
    print("+", *command, flush=True)
    subprocess.run(command, cwd=cwd, check=True)


def followed():
    """Paths of all files that git follows."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(listing.stdout.split("\0")) - {""}


def check_sdist(path):
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    missing = followed() - NOT_IN_SDIST - names
    assert not missing, f"not in the sdist: {sorted(missing)}"
    rubbish = {name for name in names if name.endswith((".pyc", ".png", "__pycache__"))}
    assert not rubbish, f"in the sdist: {sorted(rubbish)}"


def check_wheel(path):
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    folders = {name.partition("/")[0] for name in names}
    assert "sk_autoenc/py.typed" in names
    others = {
        folder
        for folder in folders - {"sk_autoenc"}
        if not folder.endswith(".dist-info")
    }
    assert not others, f"in the wheel: {sorted(others)}"


def check_installed(archive, folder, *, read_me):
    """Install into an empty environment, away from the sources, and use it there."""
    venv.create(folder / "empty", with_pip=True)
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    python = str(folder / "empty" / scripts / "python")
    run(python, "-m", "pip", "install", "-q", str(archive))
    run(python, "-I", "-W", "error", "-c", IMPORT, cwd=folder)
    if read_me:
        run(python, "-I", "-m", "doctest", str(ROOT / "README.md"), cwd=folder)


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run(
            sys.executable, "-m", "build", "--quiet", "--outdir", str(folder), str(ROOT)
        )
        (sdist,) = folder.glob("*.tar.gz")
        (wheel,) = folder.glob("*.whl")
        run(sys.executable, "-m", "twine", "check", "--strict", str(sdist), str(wheel))
        check_sdist(sdist)
        check_wheel(wheel)
        for archive, read_me in ((sdist, False), (wheel, True)):
            place = folder / archive.suffix.removeprefix(".")
            place.mkdir()
            check_installed(archive, place, read_me=read_me)
        for target in sys.argv[1:]:
            Path(target).mkdir(exist_ok=True)
            for archive in (sdist, wheel):
                shutil.copy(archive, target)


if __name__ == "__main__":
    main()
