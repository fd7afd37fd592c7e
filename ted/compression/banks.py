"""The flow of a merge of banks: copy another bank's experiences, then unite and merge what says the same as one here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import select

from index.protocols import Vectors
from ted.bank.bank import Bank
from ted.bank.changes import Change, Occasion
from ted.bank.compressing import UNUSED, CompressionStore, Standing, Survey
from ted.bank.conflicts import conflicting
from ted.bank.retriever import bank_row
from ted.bank.rows import experiences_of
from ted.bank.tables import ExperienceRow
from ted.bank.unvouched import unlabelled_among
from ted.compression.bound import overflow
from ted.compression.clusters import clusters_of, identical
from ted.compression.flow import compress
from ted.compression.result import CompressionResult, Moment
from ted.compression.settings import CompressionSettings
from ted.errors import Conflict
from ted.experience import Experience
from ted.operations import Add
from ted.teacher import Teacher

REASON = "bank_merge"
CONFLICTS_TOLD = 100


@dataclass(frozen=True, slots=True)
class BankMerge:
    """What a merge of banks did.

    `quarantined`: how many of the copies wait for a review; `conflicts`: near-duplicates that contradict each other, both
    kept, told by their ids.
    """

    source: str
    copied: tuple[str, ...]
    conflicts: tuple[tuple[str, str], ...]
    compression: CompressionResult
    quarantined: int = 0

    def to_json(self) -> dict[str, Any]:
        """For reports."""
        return {
            "from": self.source,
            "copied": len(self.copied),
            "quarantined": self.quarantined,
            "conflicts": [list(pair) for pair in self.conflicts],
            **self.compression.to_json(),
        }


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What a merge of banks would copy, unite, ask the teacher about and retire for the bound's sake, by their ids."""

    source: str
    revision: int
    copied: tuple[str, ...]
    unite: tuple[tuple[str, ...], ...] = ()
    merge: tuple[tuple[str, ...], ...] = ()
    conflicts: tuple[tuple[str, str], ...] = ()
    over_bound: int = 0
    problems: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """For reports."""
        told = asdict(self)
        return {"from": told.pop("source"), **told}


def check_may_merge(bank: Bank, source_id: str) -> str:
    """The name of the other bank. Raises Conflict where the two cannot be one; the other need not be open.

    They are of one project, since nobody finds another's; their embedders must be the same.
    """
    with bank.database.reading() as session:
        here, there = bank_row(session, bank.id), bank_row(session, source_id)
        if here.id == there.id:
            raise Conflict(f"bank '{here.name}' cannot be merged into itself: name another one")
        if here.project_id != there.project_id:
            raise Conflict(f"bank '{there.name}' is another project's: export it, and import it here")
        for kind, ours, theirs in (
            ("text", here.text_fingerprint, there.text_fingerprint),
            ("image", here.image_fingerprint, there.image_fingerprint),
        ):
            if ours != theirs:
                raise Conflict(
                    f"bank '{there.name}' was made with the {kind} embedder '{theirs}', bank '{here.name}' with "
                    f"'{ours}': embed '{there.name}' anew first, by `ted reembed`"
                )
        return there.name


def copying(moment: Moment) -> Occasion:
    """For the copying, at that moment of a job."""
    return Occasion(REASON, moment.job_id, moment.epoch, moment.batch)


async def merge_banks(
    bank: Bank,
    source_id: str,
    teacher: Teacher,
    *,
    moment: Moment,
    settings: CompressionSettings | None = None,
) -> BankMerge:
    """Copies the other bank's active experiences, then compresses as far as the copies are concerned.

    Copying is one transaction, what follows are those of a compression; each is made once only at a moment. The other
    bank stays as it is. Raises Conflict, NotFound, and BudgetExhausted with the copies made.
    """
    wanted = settings or CompressionSettings()
    done = await asyncio.to_thread(bank.report_of, copying(moment))
    if done is None:
        name = await asyncio.to_thread(check_may_merge, bank, source_id)
        changes = await asyncio.to_thread(_copies, bank, source_id, name, moment)
        await bank.apply(changes, copying(moment), notes={"source": name})
        done = await asyncio.to_thread(bank.report_of, copying(moment))
        assert done is not None
    copied = await asyncio.to_thread(_made_at, bank, done["revision"])
    before = await asyncio.to_thread(bank.experiences)
    conflicts = await _conflicts(bank, before, set(copied), wanted)
    result = await compress(bank, teacher, moment=moment, settings=wanted, only=frozenset(copied))
    return BankMerge(done["source"], copied, conflicts, result, done["counts"].get("quarantined", 0))


async def preview_merge(
    bank: Bank, source_id: str, settings: CompressionSettings | None = None
) -> MergePreview:
    """What `merge_banks` would do; nothing is changed and no model is asked. Raises Conflict, NotFound."""
    wanted = settings or CompressionSettings()
    name = await asyncio.to_thread(check_may_merge, bank, source_id)
    store = CompressionStore(bank.database)
    here = await asyncio.to_thread(store.survey, bank.id)
    theirs = await asyncio.to_thread(_experiences, bank, source_id)
    copied = {e.id for e in theirs}
    free = [s.experience for s in here.standings if not s.experience.pinned] + theirs
    unions = [u for u in identical(free) if copied & {e.id for e in u}]
    united = {e.id for union in unions for e in union}
    rest = [e for e in free if e.id not in united]
    vectors = await bank.embed_texts([e.text for e in rest])
    clusters = await asyncio.to_thread(clusters_of, rest, vectors, wanted)
    found = overflow(_with(here, theirs), gone=frozenset(e.id for union in unions for e in union[1:]))
    return MergePreview(
        name,
        here.revision,
        tuple(e.id for e in theirs),
        unite=tuple(tuple(e.id for e in union) for union in unions),
        merge=tuple(tuple(e.id for e in c) for c in clusters if copied & {e.id for e in c}),
        conflicts=await _conflicts(bank, [*free, *_pinned(here)], copied, wanted),
        over_bound=len(found.removals),
        problems=(found.problem,) if found.problem else (),
    )


def _copies(bank: Bank, source_id: str, name: str, moment: Moment) -> list[Change]:
    with bank.database.reading() as session:
        revision = bank_row(session, source_id).revision
        rows = session.scalars(_active(source_id)).all()
        unlabelled = unlabelled_among(session, [row.id for row in rows])
        return [
            Change(
                Add(row.when_to_use, row.content),
                tuple(key for key in experience.keys if key.kind != "when_to_use"),
                experience.tags,
                {
                    "job": moment.job_id,
                    "from": {
                        "bank": source_id,
                        "name": name,
                        "revision": revision,
                        "experience": row.id,
                        "version": row.version,
                    },
                    **{k: v for k, v in (("student", row.student), ("teacher", row.teacher)) if v},
                    **({"unlabelled": True} if row.id in unlabelled else {}),
                },
            )
            for row, experience in zip(rows, experiences_of(session, rows), strict=True)
        ]


def _experiences(bank: Bank, source_id: str) -> list[Experience]:
    with bank.database.reading() as session:
        return experiences_of(session, session.scalars(_active(source_id)).all())


def _active(bank_id: str) -> Any:
    query = select(ExperienceRow).where(ExperienceRow.bank_id == bank_id, ExperienceRow.status == "active")
    return query.order_by(ExperienceRow.id)


def _made_at(bank: Bank, revision: int) -> tuple[str, ...]:
    query = select(ExperienceRow.id).where(
        ExperienceRow.bank_id == bank.id, ExperienceRow.created_revision == revision
    )
    with bank.database.reading() as session:
        return tuple(session.scalars(query.order_by(ExperienceRow.id)))


def _pinned(survey: Survey) -> list[Experience]:
    return [s.experience for s in survey.standings if s.experience.pinned]


def _with(survey: Survey, more: Sequence[Experience]) -> Survey:
    added = tuple(Standing(experience, UNUSED, survey.revision) for experience in more)
    return Survey(
        survey.revision, survey.max_experiences, survey.max_tokens, survey.standings + added, survey.refusals
    )


async def _conflicts(
    bank: Bank, experiences: Sequence[Experience], copied: set[str], settings: CompressionSettings
) -> tuple[tuple[str, str], ...]:
    """Pairs of one that was here and one that came, nearly alike in words and yet contradicting each other."""
    here = [e for e in experiences if e.id not in copied]
    come = [e for e in experiences if e.id in copied]
    if not here or not come:
        return ()
    vectors: Vectors = await bank.embed_texts([e.text for e in (*here, *come)])
    near = np.argwhere(vectors[: len(here)] @ vectors[len(here) :].T >= settings.near)
    pairs = ((here[int(a)], come[int(b)]) for a, b in near)
    found = [(a.id, b.id) for a, b in pairs if conflicting(a.text, b.text)]
    return tuple(found[:CONFLICTS_TOLD])
