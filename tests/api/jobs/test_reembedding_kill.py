"""A real `ted serve`, its jobs on DBOS, killed with -9 in the middle of a re-embedding: it goes on, and repeats nothing."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from index.embedders.hashing import HashingEmbedder
from ted.bank.bank import Bank
from ted.bank.database import Database
from ted.bank.tables import KeyRow
from tests.api.test_serve import Server, ended, until
from tests.reembedding import OLD, fill
from tests.store_portrait import reading
from tests.stores import Store
from tests.upstream import running_upstream

MORE = 4_000
"""Questions beside those of the experiences: enough to be in the middle of for a while."""


@pytest.fixture
def server(tmp_path: Path, store_url: str) -> Iterator[Server]:
    """Over a bank that was made with an embedder of 64 dimensions."""
    store = Store(Database(store_url), HashingEmbedder(64), None)
    bank = store.create()
    asyncio.run(fill(bank, count=10))
    lengthen(bank)
    store.database.close()
    with running_upstream("tests.desk_models:reply") as provider:
        more = {} if store_url.startswith("sqlite") else {"TED_DATABASE_URL": store_url}
        made = Server(tmp_path, provider, more=more)
        yield made
        if made.process is not None:
            made.process.kill()
            made.process.communicate()


def lengthen(bank: Bank) -> None:
    """More keys, of which only the re-embedding knows."""
    with bank.database.writing() as session:
        one = session.scalars(select(KeyRow)).first()
        assert one is not None
        common = {"project_id": one.project_id, "experience_id": one.experience_id, "kind": "question"}
        session.execute(insert(KeyRow), [common | {"text": f"And case {n}?"} for n in range(MORE)])


def embedded(server: Server) -> int:
    """How many keys have a vector by the server's embedder."""
    with reading(server.store) as store:
        query = f"select count(*) from embeddings where fingerprint = '{OLD}'"
        return int(store.execute(query).fetchone()[0])


def test_a_re_embedding_killed_in_the_middle_goes_on_where_it_was(server: Server) -> None:
    client = server.start()
    job_id = client.post("/v1/banks/desk/reembeddings", json={}).raise_for_status().json()["id"]
    until(lambda: embedded(server) > 0)

    server.stop(signal.SIGKILL)
    half = embedded(server)
    client = server.start()
    job = ended(client, job_id)

    assert 0 < half < MORE
    assert job["status"] == "succeeded"
    assert job["result"]["keys"] == embedded(server) == MORE + 20
    with reading(server.store) as store:
        assert store.execute("select distinct fingerprint from embeddings").fetchall() == [(OLD,)]
        assert store.execute("select count(*) from revisions where reason = 'reembedding'").fetchone() == (1,)
