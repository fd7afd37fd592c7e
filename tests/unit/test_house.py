"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ted.errors import BadSetting
from ted.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("api", "index", "migrations", "ted")
MODULES = sorted(
    file
    for package in PACKAGES
    for file in (ROOT / package).rglob("*.py")
    if "versions" not in file.relative_to(ROOT).parts  # written by Alembic
)
HEAVY = {"dbos", "faiss", "litellm", "open_clip", "sentence_transformers", "torch", "xllamacpp"}


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def test_a_module_opens_with_a_sentence() -> None:
    def opens_so(file: Path) -> bool:
        sentence = (ast.get_docstring(parsed(file)) or "").partition("\n\n")[0]
        return (sentence[:1].isupper() or sentence[:1] == "`") and sentence.endswith((".", "?"))

    assert len(MODULES) > 80
    assert [named(file) for file in MODULES if not opens_so(file)] == []


def test_a_heavy_library_is_imported_where_it_is_needed() -> None:
    assert [named(file) for file in MODULES if set(imported_at_once(parsed(file).body)) & HEAVY] == []


def imported_at_once(statements: list[ast.stmt]) -> Iterator[str]:
    """The libraries that importing a module imports: not those inside functions, nor for type checkers only."""
    for statement in statements:
        match statement:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module.partition(".")[0]
            case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.FunctionDef() | ast.AsyncFunctionDef():
                pass
            case ast.ClassDef(body=body) | ast.With(body=body) | ast.For(body=body):
                yield from imported_at_once(body)
            case ast.If(body=body, orelse=orelse) | ast.Try(body=body, orelse=orelse):
                yield from imported_at_once(body + orelse)
            case _:
                pass


def test_the_rule_about_heavy_libraries_sees_what_it_is_about() -> None:
    source = (
        "import torch\ntry:\n    from litellm import x\nexcept ImportError: pass\ndef f():\n    import faiss"
    )

    assert set(imported_at_once(ast.parse(source).body)) == {"torch", "litellm"}


def test_imports_are_absolute_and_no_package_is_a_bare_name() -> None:
    def is_relative_or_bare(node: ast.AST) -> bool:
        match node:
            case ast.ImportFrom(level=level):
                return level > 0
            case ast.Import(names=names):
                return any(alias.name in PACKAGES for alias in names)
            case _:
                return False

    assert [named(file) for file in MODULES if any(map(is_relative_or_bare, ast.walk(parsed(file))))] == []


def test_a_package_exports_nothing_again() -> None:
    def imports(file: Path) -> bool:
        return any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(parsed(file)))

    openings = [file for file in MODULES if file.name == "__init__.py"]
    assert [named(file) for file in openings if imports(file)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_the_names_of_the_packages_resolve_inside_the_repository(package: str) -> None:
    spec = importlib.util.find_spec(package)

    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).resolve() == ROOT / package / "__init__.py"


def test_opening_an_installation_loads_no_heavy_library(tmp_path: Path) -> None:
    """`ted --help` and an empty bank must not wait for torch."""
    code = (
        "import sys\nfrom ted.bootstrap import open_ted\nfrom ted.settings import read_settings\n"
        f"open_ted(read_settings(data_dir={str(tmp_path)!r}, text_embedder='hashing')).close()\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TED_")} | {
        "PYTHONPATH": str(ROOT)
    }

    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )

    assert (shown.stdout.strip(), shown.stderr) == ("[]", "")


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("TED_CONCURRENCY", "many", "'many'"),
        ("TED_CONCURRENCY", "0", "greater than or equal to 1"),
        ("TED_TIMEOUT", "-1", "greater than 0"),
        ("TED_THREADS", "1.5", "'1.5'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(BadSetting) as refused:
        read_settings()

    assert str(refused.value).startswith(f"{variable} is {value!r}: ")
    assert told in str(refused.value)


def test_an_override_wins_over_the_environment_and_none_is_no_override(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TED_CONCURRENCY", "3")

    assert read_settings().concurrency == 3
    assert read_settings(concurrency=None).concurrency == 3
    assert read_settings(concurrency=5).concurrency == 5


def test_keys_of_providers_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TED_STUDENT_API_KEY", "sk-very-secret")

    settings = read_settings()

    assert settings.student_api_key is not None
    assert "sk-very-secret" not in f"{settings!r} {settings} {settings.model_dump()}"
