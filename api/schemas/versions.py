"""Versions of a bank as they are named and shown, what differs between two, and what going back to one did."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from api.schemas.common import Body, Shown, Text, Time
from ted.bank.differences import Difference
from ted.bank.states import State
from ted.bank.versions import LONGEST_NAME, Compared, RolledBack, Version
from ted.experience import Key, KeyKind, Status

Revision = Annotated[int, Field(ge=0, le=2**53)]
VersionName = Annotated[Text, Field(max_length=LONGEST_NAME)]


class VersionIn(Body):
    """A name for a revision, for good; left out, the revision is the present one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "before the fair"}]})
    name: VersionName = Field(description="Not only digits: a number is a revision.")
    revision: Revision | None = None


class RollBackIn(Body):
    """Where to go back to."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"to": "before the fair"}, {"to": 12}]})
    to: Revision | VersionName = Field(description="A revision's number, or its name.")
    dry_run: bool = Field(default=False, description="Tell what would change, and change nothing.")


class VersionOut(Shown):
    """A named revision, and how many active experiences it had."""

    object: Literal["bank.version"] = "bank.version"
    id: str
    name: str
    revision: int
    active: int
    created_at: Time

    @staticmethod
    def of(version: Version) -> VersionOut:
        return VersionOut(**asdict(version))


class StateOut(Shown):
    """An experience at a revision. `pinned` and `tags` are null where the store did not keep them then."""

    id: str
    version: int
    when_to_use: str
    content: str
    status: Status
    pinned: bool | None
    tags: list[str] | None

    @staticmethod
    def of(state: State) -> StateOut:
        return StateOut(
            id=state.experience_id,
            version=state.version,
            when_to_use=state.when_to_use,
            content=state.content,
            status=state.status,
            pinned=state.pinned,
            tags=None if state.tags is None else list(state.tags),
        )


class AddedOut(StateOut):
    """Of a merge, `parents` are what it was made from."""

    parents: list[str] = Field(default=[])


class RemovedOut(StateOut):
    """`merged_into`: the merges that it is a parent of, as they stand now."""

    merged_into: list[str] = Field(default=[])


class PairOut(Shown):
    """An experience before and after."""

    id: str
    before: StateOut
    after: StateOut


class KeyChanged(Shown):
    """A key: a question, or an image by its sha256."""

    kind: KeyKind
    text: str
    image_sha256: str

    @staticmethod
    def of(key: Key) -> KeyChanged:
        return KeyChanged(kind=key.kind, text=key.text, image_sha256=key.image_sha256)


class KeysChangedOut(Shown):
    """The keys that an experience gained and lost, its wording aside."""

    id: str
    gained: list[KeyChanged]
    lost: list[KeyChanged]


class DifferenceOut(Shown):
    """What changed; an experience may be in several lists. `unknown`: of which not all was kept at that time."""

    added: list[AddedOut]
    removed: list[RemovedOut]
    restored: list[StateOut]
    rewritten: list[PairOut]
    status_changed: list[PairOut]
    keys_changed: list[KeysChangedOut]
    pin_or_tags_changed: list[PairOut]
    unknown: list[str]


class ComparedOut(DifferenceOut):
    """What differs from one revision to another."""

    object: Literal["bank.diff"] = "bank.diff"
    from_revision: int
    to_revision: int

    @staticmethod
    def of(compared: Compared) -> ComparedOut:
        parents, children = compared.parents, compared.children
        found = _lists(compared.difference)
        found["added"] = [
            AddedOut(**StateOut.of(s).model_dump(), parents=list(parents.get(s.experience_id, ())))
            for s in compared.difference.added
        ]
        found["removed"] = [
            RemovedOut(**StateOut.of(s).model_dump(), merged_into=list(children.get(s.experience_id, ())))
            for s in compared.difference.removed
        ]
        return ComparedOut(
            from_revision=compared.from_revision,
            to_revision=compared.to_revision,
            **found,  # type: ignore[arg-type]
        )


class RolledBackOut(Shown):
    """What going back changed; `revision` is the new one, null in a dry run. `problem`: what is beyond the bank's bound."""

    object: Literal["bank.rollback"] = "bank.rollback"
    dry_run: bool
    to_revision: int
    revision: int | None
    difference: DifferenceOut
    unknown: list[str] = Field(
        description="Experiences of which that revision did not keep all: the rest of them stays as it was."
    )
    problem: str | None

    @staticmethod
    def of(done: RolledBack) -> RolledBackOut:
        return RolledBackOut(
            dry_run=done.revision is None,
            to_revision=done.to_revision,
            revision=done.revision,
            difference=DifferenceOut(**_lists(done.difference)),  # type: ignore[arg-type]
            unknown=list(done.unknown),
            problem=done.problem,
        )


def _lists(told: Difference) -> dict[str, list[object]]:
    def pairs(name: Literal["rewritten", "status_changed", "pin_or_tags_changed"]) -> list[object]:
        return [
            PairOut(id=p.before.experience_id, before=StateOut.of(p.before), after=StateOut.of(p.after))
            for p in getattr(told, name)
        ]

    return {
        "added": [AddedOut(**StateOut.of(s).model_dump()) for s in told.added],
        "removed": [RemovedOut(**StateOut.of(s).model_dump()) for s in told.removed],
        "restored": [StateOut.of(s) for s in told.restored],
        "rewritten": pairs("rewritten"),
        "status_changed": pairs("status_changed"),
        "keys_changed": [
            KeysChangedOut(
                id=k.experience_id,
                gained=[KeyChanged.of(key) for key in k.gained],
                lost=[KeyChanged.of(key) for key in k.lost],
            )
            for k in told.keys_changed
        ],
        "pin_or_tags_changed": pairs("pin_or_tags_changed"),
        "unknown": list(told.unknown),
    }
