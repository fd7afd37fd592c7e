"""What must hold of a distillation that was killed again and again: no answered call repeated, no reply misplaced."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tests.killing import Landed
from tests.store_portrait import reading


class Killed(Protocol):
    """What was killed and begun again: its store, and what its provider was asked."""

    @property
    def store(self) -> Path | str: ...

    def asked(self) -> list[str]: ...

    def committed(self) -> frozenset[str]: ...


def calls_made_again(desk: Killed, kills: Sequence[Landed], *, at_once: int) -> int:
    """How many calls were made more than once, after it is sure that each repeated one was lost to a kill before.

    `at_once`: how many calls are under way at the same time, at most.
    """
    asked = desk.asked()
    last = asked[sum(len(kill.asked) for kill in kills) :]
    runs = [*(kill.asked for kill in kills), tuple(last)]
    known = [frozenset[str](), *(kill.committed for kill in kills)]
    for run, committed in zip(runs, known, strict=True):
        assert len(run) == len(set(run)), "a run that is not interrupted makes each call once"
        assert not set(run) & committed, "a committed call is not made again"
    for kill, earlier in zip(kills, known, strict=False):
        assert earlier <= kill.committed
        assert len(kill.lost) <= at_once
    assert set(asked) == desk.committed(), "what the server was asked is, in the end, what the ledger has"
    again = len(asked) - len(set(asked))
    assert again == sum(len(kill.lost) for kill in kills)
    return again


def check_that_replies_landed_at_their_samples(desk: Killed) -> None:
    """By the name of the sample that each reply holds, in every table that is made of replies."""
    with reading(desk.store) as store:
        calls = dict(store.execute("select call_key, text from model_calls"))
        attempts = store.execute(
            "select job_id || ':' || epoch || ':' || sample_id || ':student', number, text from trajectories"
        )
        for head, number, text in attempts:
            assert text == _last(calls, head, number)
        made = [(key.split(":")[2], text) for key, text in calls.items()]
        for table in ("solutions where chain", "critiques where findings", "critiques where operations"):
            name, _, column = table.split()
            made += store.execute(
                f"select sample_id, {column} from {name} where cast({column} as text) != '[]'"
            ).fetchall()
        changes = store.execute(
            "select provenance, content from experience_history where operation in ('add', 'merge', 'rewrite')"
        )
        made += [(json.loads(provenance)["sample"], content) for provenance, content in changes]
    assert len(made) > len(calls) > 0
    for sample, text in made:
        assert set(re.findall(r"\bs\d\d\b", text)) == {sample}, text


def _last(calls: dict[str, str], head: str, number: int) -> str:
    """The reply that counts: the first one, or the one after the model was asked again."""
    found = [calls.get(f"{head}{again}:{number}") for again in ("", ".1", ".2")]
    return [text for text in found if text is not None][-1]
