"""From a critique's operations to changes that may be applied: guards, duplicates, findability; one chance to mend."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from ted.bank.bank import Bank
from ted.bank.changes import AddKeys, Change
from ted.bank.conflicts import conflicting
from ted.bank.usage import is_own_source
from ted.distillation.guards import as_list, problems_of
from ted.distillation.outcome import Skipped, SkipReason
from ted.errors import UnparsableOutput
from ted.experience import Experience, Key
from ted.injections import injection_in_experience
from ted.operations import Add, Merge, Operation, Remove, Rewrite
from ted.sample import Question, Sample
from ted.settings import RetrievalSettings
from ted.teacher import Teacher
from ted.texts import normalised

DUPLICATE = 0.92
"""Cosine of `when_to_use + content` from which two experiences of a bank are near-duplicates."""


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
            case Add():
                return await self._screen_add(operation, number)
            case Rewrite() | Merge():
                return await self._screen_text(operation, self._problems(operation), number)
            case Remove():
                return Screened(self._change(operation))
            case _:
                assert_never(operation)

    async def _screen_add(self, add: Add, number: int) -> Screened:
        problems = self._problems(add)
        twin = await self._twin(add)
        if twin is None and (own := self._own()):
            rewrite = Rewrite(own.id, add.when_to_use, add.content)
            return await self._screen_text(rewrite, problems, number)
        if twin is None:
            return await self._screen_text(add, problems, number)
        if not problems and _same(twin, add):
            return Screened(self._change(AddKeys(twin.id)))
        if conflicting(twin.text, _text(add)):
            problems.append(
                f'It conflicts with an experience that is there: "{twin.when_to_use} {twin.content}". '
                "If yours is right, say in when_to_use how the situations differ."
            )
            return await self._screen_text(add, problems, number)
        problems.append(
            f'There is an experience like it: "{twin.when_to_use} {twin.content}". '
            "Write one text to replace that one, which keeps what both say."
        )
        return await self._screen_text(Rewrite(twin.id, add.when_to_use, add.content), problems, number)

    async def _screen_text(
        self, wanted: Add | Rewrite | Merge, problems: Sequence[str], number: int
    ) -> Screened:
        """Mended once where there are problems; what then still has some is rejected."""
        mended = 0
        if problems:
            try:
                better = await self.teacher.mend(
                    self.sample, wanted, problems, call_key=f"{self.key}:mend:{number}"
                )
            except UnparsableOutput as error:
                if injection_in_experience(wanted.when_to_use, wanted.content):
                    return await self._held_back(wanted, mended=1)
                return self._rejected("unparsable_mend", str(error))
            mended = 1
            wanted = replace(wanted, when_to_use=better.when_to_use, content=better.content)
            if still := self._problems(wanted):
                if injection_in_experience(wanted.when_to_use, wanted.content):
                    return await self._held_back(wanted, mended=mended)
                return self._rejected("guard", as_list(still), mended=mended)
            if isinstance(wanted, Add) and (twin := await self._twin(wanted)):
                if conflicting(twin.text, _text(wanted)):
                    return self._rejected("conflict", f"{_text(wanted)!r} against {twin.id}", mended=mended)
                return Screened(self._change(AddKeys(twin.id)), mended=mended)
        if isinstance(wanted, Merge):
            return Screened(self._change(wanted), mended=mended)
        sharper, skipped, sharpened = await self._sharpened(wanted, number)
        return Screened(self._change(sharper), skipped, mended + sharpened)

    async def _held_back(self, wanted: Add | Rewrite | Merge, *, mended: int) -> Screened:
        """Kept for a review and not served; a text that waits already, or was rejected, is not kept twice."""
        found = injection_in_experience(wanted.when_to_use, wanted.content)
        assert found is not None
        known = await asyncio.to_thread(self.bank.experiences, status=("quarantined", "rejected"))
        text = normalised(f"{wanted.when_to_use}\n{wanted.content}")
        same = next((e for e in known if normalised(e.text) == text), None)
        detail = found.told + (f"; its text is that of {same.id}, which is {same.status}" if same else "")
        skipped = (Skipped(self.sample.id, "quarantined", detail),)
        if same is not None:
            return Screened(None, skipped, mended)
        return Screened(replace(self._change(wanted), status="quarantined"), skipped, mended)

    async def _sharpened(
        self, wanted: Add | Rewrite, number: int
    ) -> tuple[Add | Rewrite, tuple[Skipped, ...], int]:
        """Asked once for a sharper `when_to_use` where the question would not find it; never a reason to reject."""
        replaced = (wanted.experience_id,) if isinstance(wanted, Rewrite) else ()
        if await self.bank.would_find(
            self.sample.question, wanted.when_to_use, self.settings, leaving_out=replaced
        ):
            return wanted, (), 0
        problem = "A search with its own question does not find it by when_to_use; name what such questions are about."
        try:
            better = await self.teacher.mend(
                self.sample, wanted, [problem], call_key=f"{self.key}:sharpen:{number}"
            )
        except UnparsableOutput as error:
            return wanted, (Skipped(self.sample.id, "unparsable_mend", f"sharper when_to_use: {error}"),), 1
        sharper = replace(wanted, when_to_use=better.when_to_use)
        return (wanted if self._problems(sharper) else sharper), (), 1

    def _problems(self, proposal: Add | Rewrite | Merge) -> list[str]:
        return problems_of(
            proposal.when_to_use,
            proposal.content,
            sample=self.sample,
            solution=self.solution,
            template=self.template,
            facts=not isinstance(proposal, Merge),
        )

    def _own(self) -> Experience | None:
        """The experience that was made from this very sample and from no other: wrong still, it needs another text, not
        a second experience beside it. The newest of several."""
        mine = [e for e in self.active if is_own_source(e, self.sample.question) and not e.pinned]
        alone = [e for e in mine if sum(key.kind == "question" for key in e.keys) == 1]
        return alone[-1] if alone else None

    async def _twin(self, add: Add) -> Experience | None:
        """The nearest active experience of the bank, if it is a near-duplicate."""
        if not self.active:
            return None
        vectors = await self.bank.embed_texts([_text(add), *(e.text for e in self.active)])
        cosines = await asyncio.to_thread(lambda: vectors[1:] @ vectors[0])
        best = int(cosines.argmax())
        return self.active[best] if float(cosines[best]) >= DUPLICATE else None

    def _change(self, operation: Operation | AddKeys) -> Change:
        carried = () if isinstance(operation, Remove) else keys_from(self.sample.question)
        return Change(operation, carried, self.sample.tags, dict(self.provenance))

    def _rejected(self, reason: SkipReason, detail: str, *, mended: int = 0) -> Screened:
        return Screened(None, (Skipped(self.sample.id, reason, detail),), mended)


def keys_from(question: Question) -> tuple[Key, ...]:
    """What an experience made from a question is found by, beside its `when_to_use`: the question and its images."""
    return (
        Key("question", question.text),
        *(Key("image", image_sha256=image.sha256) for image in question.images),
    )


def _text(add: Add) -> str:
    return f"{add.when_to_use}\n{add.content}"


def _same(experience: Experience, add: Add) -> bool:
    return normalised(experience.content) == normalised(add.content)
