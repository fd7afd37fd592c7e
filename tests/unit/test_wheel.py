"""The built wheel: it carries the packages and every file they read."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The paths in the wheel, built from what the repository keeps (git ls-files), so that no old build leaks in."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in listed.stdout.splitlines():
        if not name.startswith("tests/") and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(target), str(source)], check=True)
    with zipfile.ZipFile(next(target.glob("*.whl"))) as wheel:
        return set(wheel.namelist())


def test_the_wheel_owns_the_four_packages_and_no_other(names: set[str]) -> None:
    top = {name.split("/")[0] for name in names if ".dist-info/" not in name}

    assert top == {"ted", "index", "api", "migrations"}


def test_the_wheel_carries_every_file_that_the_packages_read(names: set[str]) -> None:
    kept = {
        str(path.relative_to(ROOT))
        for package in ("ted", "index", "api", "migrations")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert kept - names == set()
