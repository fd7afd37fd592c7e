"""What a store holds of a bank and its job, with ids of chance replaced: two runs of one distillation look the same."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.string import TextLoader

Row = tuple[Any, ...]

_QUERIES = {
    "banks": "select name, revision from banks",
    "experiences": "select id, when_to_use, content, status, pinned, version, tags, student, teacher, created_revision,"
    " updated_revision from experiences order by id",
    "keys": "select experience_id, kind, text, image_sha256 from experience_keys order by experience_id, id",
    "lineage": "select child_id, parent_id from lineage order by child_id, parent_id",
    "history": "select experience_id, revision, operation, version, when_to_use, content, status, provenance"
    " from experience_history order by revision, id",
    "revisions": "select revision, reason, job_id, epoch, batch, active, report from revisions order by revision",
    "exposures": "select asked_as, origin, experience_id, version, shown, propensity, similarity, cited,"
    " outcome, own_source, verdict from exposures order by asked_as, experience_id",
    "usage": "select experience_id, version, retrieved, shown, cited, shown_correct, shown_wrong, helpful, harmful"
    " from usage_counters order by experience_id",
    "jobs": "select id, status, reason, error, result from jobs",
    "items": "select job_id, epoch, sample_id, status, outcome from job_items order by job_id, epoch, sample_id",
    "trajectories": "select job_id, epoch, sample_id, number, text, final_answer, correct, reason"
    " from trajectories order by job_id, epoch, sample_id, number",
    "solutions": "select epoch, sample_id, final_answer, chain, correct, rationalised from solutions order by 1, 2",
    "critiques": "select epoch, sample_id, findings, verdicts, operations from critiques order by 1, 2",
    "calls": "select call_key, role, model, fingerprint, outcome, text, prompt_tokens, completion_tokens"
    " from model_calls order by call_key",
}


def portrait(store: Path | str) -> dict[str, list[Row]]:
    """Every table that a run must leave the same, however often it was interrupted."""
    with reading(store) as connection:
        names = {
            i: f"experience {n}"
            for n, (i,) in enumerate(connection.execute("select id from experiences order by id"))
        }
        names |= {
            i: f"job {n}" for n, (i,) in enumerate(connection.execute("select id from jobs order by id"))
        }
        return {table: [_named(row, names) for row in connection.execute(q)] for table, q in _QUERIES.items()}


def _named(row: Row, names: dict[str, str]) -> Row:
    text = json.dumps([round(value, 4) if isinstance(value, float) else value for value in row])
    for identity, known_as in names.items():
        text = text.replace(identity, known_as)
    return tuple(json.loads(text))


@contextmanager
def reading(store: Path | str) -> Iterator[Any]:
    """A connection to a store, by its file or URL, that another process may be writing; JSON columns are texts."""
    if isinstance(store, Path):
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30)) as connection:
            yield connection
        return
    with psycopg.connect(store.replace("+psycopg", ""), autocommit=True) as session:
        session.adapters.register_loader("json", TextLoader)
        yield session
