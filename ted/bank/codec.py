"""Closed unions as JSON and back: operations, graders, retrievals. One field names the member of the union."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ted.bank.changes import AddKeys, Change
from ted.bank.rows import status_of
from ted.experience import Demonstration, Experience, Key, Retrieval, Retrieved, Similarity
from ted.operations import Add, Merge, Operation, Remove, Rewrite
from ted.sample import Choice, Exact, Grader, Json, Judge, Math, Numeric, Regex

_OPERATIONS: dict[str, type[Operation | AddKeys]] = {
    "add": Add,
    "rewrite": Rewrite,
    "merge": Merge,
    "remove": Remove,
    "add_keys": AddKeys,
}
_GRADERS: dict[str, type[Grader]] = {
    "exact": Exact,
    "numeric": Numeric,
    "choice": Choice,
    "regex": Regex,
    "json": Json,
    "math": Math,
    "judge": Judge,
}


def operation_to_json(operation: Operation | AddKeys) -> dict[str, Any]:
    """`{"op": "add", ...}`."""
    name = next(name for name, kind in _OPERATIONS.items() if kind is type(operation))
    return {"op": name, **asdict(operation)}


def operation_from_json(value: dict[str, Any]) -> Operation | AddKeys:
    """The inverse of `operation_to_json`."""
    fields: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in value.items() if k != "op"
    }
    return _OPERATIONS[value["op"]](**fields)


def grader_to_json(grader: Grader) -> dict[str, Any]:
    """`{"kind": "numeric", "tolerance": 0.01}`."""
    return {"kind": next(n for n, kind in _GRADERS.items() if kind is type(grader)), **asdict(grader)}


def grader_from_json(value: dict[str, Any]) -> Grader:
    """The inverse of `grader_to_json`."""
    return _GRADERS[value["kind"]](**{k: v for k, v in value.items() if k != "kind"})


def change_to_json(change: Change) -> dict[str, Any]:
    """A change that a sample proposes."""
    if not isinstance(change.operation, Add | Rewrite | Merge | Remove | AddKeys):
        raise TypeError(f"{change.operation} is an operator's change, not a sample's")
    return {
        "operation": operation_to_json(change.operation),
        "keys": [asdict(key) for key in change.keys],
        "tags": list(change.tags),
        "provenance": change.provenance,
        "status": change.status,
        "gate": change.gate,
    }


def change_from_json(value: dict[str, Any]) -> Change:
    """The inverse of `change_to_json`."""
    return Change(
        operation_from_json(value["operation"]),
        tuple(Key(**key) for key in value["keys"]),
        tuple(value["tags"]),
        value["provenance"],
        status_of(value.get("status", "active")),
        value.get("gate"),
    )


def retrieval_to_json(retrieval: Retrieval) -> dict[str, Any]:
    """All that the prompt was built from, texts included, so that a resumed run builds the same."""
    return asdict(retrieval)


def retrieval_from_json(value: dict[str, Any]) -> Retrieval:
    """The inverse of `retrieval_to_json`."""
    retrieved = tuple(
        Retrieved(_experience(r["experience"]), Similarity(**r["similarity"]), **_told(r))
        for r in value["retrieved"]
    )
    demonstrations = tuple(
        Demonstration(**(d | {"images": tuple(d["images"])})) for d in value.get("demonstrations", ())
    )
    return Retrieval(**(value | {"retrieved": retrieved, "demonstrations": demonstrations}))


def _told(retrieved: dict[str, Any]) -> dict[str, Any]:
    """Its label, and what chance did; what was kept before there were trials does not say."""
    return {name: retrieved[name] for name in ("label", "shown", "propensity", "record") if name in retrieved}


def _experience(value: dict[str, Any]) -> Experience:
    keys = tuple(Key(**key) for key in value["keys"])
    return Experience(**(value | {"tags": tuple(value["tags"]), "keys": keys}))
