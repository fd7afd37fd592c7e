"""`ted reembed`: the configured embedders for a bank that was made with others."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from index.embedders.hashing import HashingEmbedder
from ted.bank.database import Database
from ted.cli.main import app
from tests.blanks import BlankFile
from tests.reembedding import NEW, OLD, fill
from tests.stores import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory with a bank that was made with an embedder of 64 dimensions."""
    BlankFile.made(tmp_path)
    store = Store(Database(f"sqlite:///{tmp_path / 'ted.sqlite'}"), HashingEmbedder(64), None)
    asyncio.run(fill(store.create(), count=5))
    store.database.close()
    return tmp_path


def ted(folder: Path, *words: str) -> Result:
    environment = {"TED_DATA_DIR": str(folder), "TED_TEXT_EMBEDDER": "hashing", "COLUMNS": "200"}
    return CliRunner().invoke(app, list(words), env=environment)


def test_a_bank_of_other_embedders_is_counted_embedded_anew_and_then_opens(folder: Path) -> None:
    refused = ted(folder, "experiences", "desk")
    counted = json.loads(ted(folder, "reembed", "desk", "--dry-run", "--json").stdout)
    told = ted(folder, "reembed", "desk", "--dry-run").stdout
    done = ted(folder, "reembed", "desk", "--json")

    assert refused.exit_code == 2
    assert "`ted reembed desk`" in refused.stderr
    assert (counted["keys"], counted["made_with"]["text"], counted["target"]["text"]) == (10, NEW, OLD)
    assert "10 keys to embed: 10 texts, 0 captions, 0 images; nothing was changed" in told
    assert done.exit_code == 0
    job = json.loads(done.stdout)
    assert (job["status"], job["result"]["keys"]) == ("succeeded", 10)
    assert len(json.loads(ted(folder, "experiences", "desk", "--json").stdout)) == 5
    listed = json.loads(ted(folder, "jobs", "list", "--json").stdout)
    assert [(row["kind"], row["done"]) for row in listed] == [("reembedding", "10/10")]
    again = ted(folder, "reembed", "desk").stdout
    assert "0 keys embedded; the bank is at revision 2" in again
