"""What is told where traces are wanted and their exporter is not installed; nothing of it is loaded otherwise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ted import trace_export
from ted.errors import BadSetting
from ted.tracing import provider_of


def test_without_the_sdk_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    with pytest.raises(BadSetting, match="install the extra `otel`"):
        trace_export.begin_export()


def test_an_installation_without_traces_loads_no_sdk(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom ted.bootstrap import open_ted\nfrom ted.settings import read_settings\n"
        f"open_ted(read_settings(data_dir={str(tmp_path)!r}, text_embedder='hashing')).close()\n"
        "print([m for m in sys.modules if m.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("openai/gpt-4.1", "openai"),
        ("gpt-4.1", "openai"),
        ("claude-x", "anthropic"),
        ("bedrock/a/b", "aws.bedrock"),
        ("local/qwen", "local"),
    ],
)
def test_providers_are_named_as_the_conventions_do(model: str, provider: str) -> None:
    assert provider_of(model) == provider
