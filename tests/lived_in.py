"""A bank that was lived in for weeks, written into the store at once: uses, utilities, answers by day, revisions."""

from __future__ import annotations

import random
from datetime import timedelta

import numpy as np
from sqlalchemy import insert, select, update

from index.vectors import to_bytes, unit
from ted.bank.database import Database
from ted.bank.job_tables import CallRow
from ted.bank.tables import (
    AnswerRow,
    BankRow,
    CounterRow,
    EmbeddingRow,
    ExperienceRow,
    FeedbackRow,
    HistoryRow,
    KeyRow,
    RevisionRow,
    now,
)

KINDS = (
    "printer",
    "badge",
    "refund",
    "laptop",
    "invoice",
    "parcel",
    "password",
    "meeting room",
    "visa",
    "fault",
)
DIMENSION = 256


def live_in(database: Database, bank_id: str, *, experiences: int, seed: int = 1) -> None:
    """Adds so many experiences, with what there would be of them after some weeks. Raises NoResultFound for no bank."""
    chance, draw = random.Random(seed), np.random.default_rng(seed)
    moment = now()
    with database.writing() as session:
        bank = session.scalars(select(BankRow).where(BankRow.id == bank_id)).one()
        project = {"project_id": bank.project_id}
        middles = draw.normal(size=(len(KINDS), DIMENSION))
        rows, counters, keys, history = [], [], [], []
        for n in range(experiences):
            kind, i = KINDS[n % len(KINDS)], f"exp_{seed:02d}{n:022d}"
            when, content = (
                f"A {kind} of case {n} is reported.",
                f"Cases like {n} of a {kind} go to queue FX-{n}.",
            )
            wording = {"when_to_use": when, "content": content, "status": "active", "version": 1}
            revision = 1 + n * 20 // experiences
            made = moment - timedelta(days=40) + timedelta(days=2 * revision)
            rows.append(
                {"id": i, "bank_id": bank_id, "created_revision": revision, "updated_revision": revision}
                | {"created_at": made, "updated_at": made, "tags": [kind], **wording, **project}
            )
            history.append(
                {
                    "experience_id": i,
                    "revision": revision,
                    "operation": "add",
                    "pinned": False,
                    "tags": [kind],
                }
                | {"keys": [], "provenance": {"by": "api"}, "created_at": made, **wording, **project}
            )
            keys.append(
                {"id": 1_000_000 + n, "experience_id": i, "kind": "when_to_use", "text": when, **project}
            )
            counters.append({"experience_id": i, "bank_id": bank_id, **project, **_used(chance, n)})
        session.execute(insert(ExperienceRow), rows)
        session.execute(insert(CounterRow), counters)
        session.execute(insert(KeyRow), keys)
        session.execute(insert(HistoryRow), history)
        vectors = unit(
            np.asarray(
                [middles[n % len(KINDS)] + 0.9 * draw.normal(size=DIMENSION) for n in range(experiences)],
                dtype="f4",
            )
        )
        session.execute(
            insert(EmbeddingRow),
            [
                {"key_id": key["id"], "fingerprint": bank.text_fingerprint, "vector": to_bytes(v), **project}
                for key, v in zip(keys, vectors, strict=True)
            ],
        )
        revisions = [
            {
                "bank_id": bank_id,
                "revision": r,
                "reason": "batch" if r % 4 else "compression",
                "active": active,
            }
            | {"created_at": moment - timedelta(days=40 - 2 * r), "report": {}, **project}
            for r in range(1, 21)
            for active in [
                int(experiences * r / 20 * (0.92 if r % 4 == 0 else 1.0)) if r < 20 else experiences
            ]
        ]
        session.execute(insert(RevisionRow), revisions)
        session.execute(
            update(BankRow)
            .where(BankRow.id == bank_id)
            .values(revision=20, max_experiences=max(200, experiences * 5 // 4), max_tokens=10_000_000)
        )
        answers, feedback, calls = [], [], []
        for n in range(900):
            day, i = chance.triangular(0, 35, 5), f"ans_{seed:02d}{n:022d}"
            arm = "control" if chance.random() < 0.15 else "bank"
            at = moment - timedelta(days=day)
            abstained = chance.random() < 0.08 + 0.006 * day
            answers.append(
                {
                    "id": i,
                    "bank_id": bank_id,
                    "question": f"What of case {n}?",
                    "text": "FX",
                    "final_answer": "FX",
                }
                | {"student": "openai/student", "mode": "retrieve", "revision": 20, "abstained": abstained}
                | {"arm": arm, "arm_propensity": 0.85, "created_at": at, **project}
            )
            right = float(chance.random() < (0.78 if arm == "bank" else 0.62))
            feedback.append({"answer_id": i, "bank_id": bank_id, "outcome": right, **project})
            calls.append(
                {"call_key": f"{i}:0:0:student:0", "bank_id": bank_id, "owner": i, "role": "student"}
                | {"model": "openai/student", "fingerprint": "", "outcome": "ok", "prompt_tokens": 180}
                | {"completion_tokens": 40, "cost_usd": 0.00021, "seconds": 0.4, "created_at": at, **project}
            )
        session.execute(insert(AnswerRow), answers)
        session.execute(insert(FeedbackRow), feedback)
        session.execute(insert(CallRow), calls)


def _used(chance: random.Random, n: int) -> dict[str, float]:
    """Counters of one experience: one in five was never retrieved, as many are not graded on both sides."""
    if n % 5 == 4:
        return {"retrieved": 0}
    shown, withheld = chance.randint(4, 90), chance.randint(2, 30)
    if n % 5 == 3:
        return {"retrieved": shown, "shown": shown, "cited": shown // 3}
    lift = chance.gauss(0.12, 0.2)
    right = min(max(0.55 + lift, 0.02), 0.98) * shown
    without = 0.55 * withheld
    return {
        "retrieved": shown + withheld,
        "shown": shown,
        "withheld": withheld,
        "cited": shown // 2,
        "shown_correct": round(right),
        "shown_wrong": shown - round(right),
        "withheld_correct": round(without),
        "withheld_wrong": withheld - round(without),
        "helpful": shown // 10,
        "harmful": shown // 40,
        "shown_weight": 0.5 * shown,
        "shown_weight2": 0.25 * shown,
        "shown_right": 0.5 * right,
        "shown_right2": 0.5 * right,
        "withheld_weight": 0.5 * withheld,
        "withheld_weight2": 0.25 * withheld,
        "withheld_right": 0.5 * without,
        "withheld_right2": 0.5 * without,
    }
