"""From a critique's operations to changes that may be applied: guards, duplicates, findability; one chance to mend."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from ted.bank.bank import Bank
from ted.bank.changes import AddKeys, Change
from ted.bank.conflicts import conflicting
from ted.distillation.guards import as_list, problems_of
from ted.distillation.outcome import Skipped
from ted.errors import UnparsableOutput
from ted.experience import Experience, Key
from ted.operations import Add, Merge, Operation, Remove, Rewrite
from ted.sample import Sample
from ted.settings import RetrievalSettings
from ted.teacher import Teacher
from ted.texts import normalised

DUPLICATE = 0.92
"""Cosine of `when_to_use + content` from which two experiences of a bank are near-duplicates."""

_Neighbour = tuple[Experience, float]


@dataclass(frozen=True, slots=True)
class Screened:
    """A change that may be applied, or None; what was skipped; and how often the teacher mended."""

    change: Change | None
    skipped: tuple[Skipped, ...] = ()
    mended: int = 0


@dataclass(frozen=True, slots=True)
class Screen:
    """What the operations of one sample are held against. `key` heads the call keys of mends."""

    bank: Bank
    active: tuple[Experience, ...]
    teacher: Teacher
    sample: Sample
    solution: str
    template: frozenset[tuple[str, ...]]
    settings: RetrievalSettings
    provenance: dict[str, object]
    key: str

    async def screen(self, operation: Operation, number: int) -> Screened:
        """The change that comes of the critique's operation of this number."""
        match operation:
            case Add() | Rewrite():
                return await self._screen_text(operation, number)
            case Merge(experience_ids, when_to_use, content):
                if problems := self._problems(when_to_use, content, facts=False):
                    return self._rejected("guard", f"merge of {len(experience_ids)}: {as_list(problems)}")
                return Screened(self._change(operation))
            case Remove():
                return Screened(self._change(operation))

    async def _screen_text(self, operation: Add | Rewrite, number: int) -> Screened:
        problems = self._problems(operation.when_to_use, operation.content)
        twin = await self._twin(operation)
        if isinstance(operation, Add) and twin and not problems and _same(twin, operation):
            return Screened(self._change(AddKeys(twin.id)))
        wanted: Add | Rewrite = operation
        if twin and isinstance(operation, Add):
            if conflicting(twin.text, f"{operation.when_to_use}\n{operation.content}"):
                problems.append(
                    f'It conflicts with an experience that is there: "{twin.when_to_use} {twin.content}". '
                    "If yours is right, say in when_to_use how the situations differ."
                )
            else:
                problems.append(
                    f'There is an experience like it: "{twin.when_to_use} {twin.content}". '
                    "Write one text to replace that one, which keeps what both say."
                )
                wanted = Rewrite(twin.id, operation.when_to_use, operation.content)
        mended, skipped = 0, ()
        if problems:
            try:
                better = await self.teacher.mend(
                    self.sample, wanted, problems, call_key=f"{self.key}:mend:{number}"
                )
            except UnparsableOutput as error:
                return self._rejected("unparsable_mend", str(error))
            mended = 1
            wanted = replace(wanted, when_to_use=better.when_to_use, content=better.content)
            if still := self._problems(wanted.when_to_use, wanted.content):
                return replace(self._rejected("guard", as_list(still)), mended=mended)
        wanted, sharpened = await self._sharpened(wanted, number)
        return Screened(self._change(wanted), skipped, mended + sharpened)

    async def _sharpened(self, wanted: Add | Rewrite, number: int) -> tuple[Add | Rewrite, int]:
        """Asked once for a sharper `when_to_use` where the question would not find it; never a reason to reject."""
        if await self.bank.would_find(self.sample.question, wanted.when_to_use, self.settings):
            return wanted, 0
        problem = "A search with its own question does not find it by when_to_use; name what such questions are about."
        try:
            better = await self.teacher.mend(
                self.sample, wanted, [problem], call_key=f"{self.key}:sharpen:{number}"
            )
        except UnparsableOutput:
            return wanted, 1
        sharper = replace(wanted, when_to_use=better.when_to_use)
        return (wanted if self._problems(sharper.when_to_use, sharper.content) else sharper), 1

    def _problems(self, when_to_use: str, content: str, *, facts: bool = True) -> list[str]:
        found = problems_of(
            when_to_use,
            content,
            sample=self.sample,
            solution=self.solution,
            template=set(self.template),
        )
        return found if facts else [p for p in found if not p.startswith("The fact")]

    async def _twin(self, operation: Add | Rewrite) -> Experience | None:
        """The nearest active experience of the bank that is a near-duplicate of an Add; None for a Rewrite."""
        if isinstance(operation, Rewrite) or not self.active:
            return None
        texts = [f"{operation.when_to_use}\n{operation.content}", *(e.text for e in self.active)]
        vectors = await self.bank.embed_texts(texts)
        cosines = await asyncio.to_thread(lambda: vectors[1:] @ vectors[0])
        best = int(cosines.argmax())
        return self.active[best] if float(cosines[best]) >= DUPLICATE else None

    def _change(self, operation: Operation | AddKeys) -> Change:
        question = self.sample.question
        keys = (
            Key("question", question.text),
            *(Key("image", image_sha256=image.sha256) for image in question.images),
        )
        carried = () if isinstance(operation, Remove) else keys
        return Change(operation, carried, self.sample.tags, dict(self.provenance))

    def _rejected(self, reason: str, detail: str) -> Screened:
        assert reason in ("guard", "unparsable_mend")
        return Screened(None, (Skipped(self.sample.id, reason, detail),))  # type: ignore[arg-type]


def _same(experience: Experience, operation: Add) -> bool:
    return normalised(experience.content) == normalised(operation.content)
