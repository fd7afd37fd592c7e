"""/openapi.json is whole: references resolve, examples fit, and every route documents its errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from jsonschema import Draft202012Validator

from api.scopes import PUBLIC
from tests.api_desk import Desk

METHODS = {"get", "post", "patch", "delete"}
ROUTES = {
    "POST /v1/answers",
    "GET /v1/answers/{answer_id}",
    "POST /v1/feedback",
    "GET /v1/banks/{bank}/quarantine",
    "POST /v1/banks/{bank}/quarantine/{held_id}/accept",
    "POST /v1/banks/{bank}/quarantine/{held_id}/reject",
    "GET /v1/banks/{bank}/feedback",
    "POST /v1/banks/{bank}/feedback/{answer_id}/accept",
    "POST /v1/banks/{bank}/feedback/{answer_id}/reject",
    "POST /v1/banks",
    "GET /v1/banks",
    "GET /v1/banks/{bank}",
    "PATCH /v1/banks/{bank}",
    "DELETE /v1/banks/{bank}",
    "POST /v1/banks/{bank}/experiences",
    "GET /v1/banks/{bank}/experiences",
    "GET /v1/banks/{bank}/experiences/{experience_id}",
    "PATCH /v1/banks/{bank}/experiences/{experience_id}",
    "DELETE /v1/banks/{bank}/experiences/{experience_id}",
    "GET /v1/banks/{bank}/experiences/{experience_id}/history",
    "GET /v1/banks/{bank}/experiences/{experience_id}/images/{sha256}",
    "POST /v1/banks/{bank}/experiences/{experience_id}/unmerge",
    "POST /v1/banks/{bank}/versions",
    "GET /v1/banks/{bank}/versions",
    "GET /v1/banks/{bank}/diff",
    "POST /v1/banks/{bank}/rollback",
    "POST /v1/banks/{bank}/retrieve",
    "POST /v1/banks/{bank}/distillations",
    "POST /v1/banks/{bank}/compressions",
    "POST /v1/banks/{bank}/merge",
    "POST /v1/banks/{bank}/evaluations",
    "POST /v1/banks/{bank}/reembeddings",
    "POST /v1/files",
    "GET /v1/files",
    "GET /v1/files/{file_id}",
    "GET /v1/files/{file_id}/content",
    "DELETE /v1/files/{file_id}",
    "GET /v1/banks/{bank}/export",
    "POST /v1/banks/{bank}/import",
    "GET /v1/jobs",
    "GET /v1/jobs/{job_id}",
    "GET /v1/jobs/{job_id}/report",
    "GET /v1/jobs/{job_id}/items",
    "GET /v1/jobs/{job_id}/items/{item_id}",
    "GET /v1/jobs/{job_id}/events",
    "POST /v1/jobs/{job_id}/cancel",
    "POST /v1/jobs/{job_id}/pause",
    "POST /v1/jobs/{job_id}/resume",
    "POST /v1/jobs/{job_id}/retry",
    "POST /v1/chat/completions",
    "GET /v1/models",
    "GET /v1/models/{model}",
    "GET /v1/admin/stats",
    "GET /v1/admin/banks/{bank}/stats",
    "GET /v1/admin/banks/{bank}/utilities",
    "GET /v1/admin/banks/{bank}/map",
    "POST /v1/admin/banks/{bank}/reindex",
    "GET /v1/admin/usage",
    "POST /v1/admin/keys",
    "GET /v1/admin/keys",
    "GET /v1/admin/keys/{key_id}",
    "PATCH /v1/admin/keys/{key_id}",
    "DELETE /v1/admin/keys/{key_id}",
    "POST /v1/admin/projects",
    "GET /v1/admin/projects",
    "GET /v1/admin/projects/{project}",
    "PATCH /v1/admin/projects/{project}",
    "DELETE /v1/admin/projects/{project}",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
}

ASKING = {"POST /v1/answers", "POST /v1/chat/completions"}


@pytest.fixture
def document(still_desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = still_desk.client.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from nodes(value)


def test_the_routes_are_these(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert set(operations(document)) == ROUTES


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    references = {node["$ref"] for node in nodes(document) if isinstance(node.get("$ref"), str)}
    schemas = document["components"]["schemas"]

    assert len(references) > 40
    assert {r for r in references if r.removeprefix("#/components/schemas/") not in schemas} == set()


def test_every_schema_is_a_json_schema_whose_examples_fit(document: dict[str, Any]) -> None:
    shown = 0
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        for example in schema.get("examples", []):
            jsonschema.validate(example, whole)
            shown += 1
    assert shown >= 8


def test_every_parameter_of_a_path_is_declared_and_described(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", name)), name
        assert all(
            p.get("description") or p["schema"].get("description") for p in operation.get("parameters", [])
        )


def test_no_parameter_is_said_to_be_null(document: dict[str, Any]) -> None:
    parameters = [p for operation in operations(document).values() for p in operation.get("parameters", [])]

    assert [p["name"] for p in parameters if {"type": "null"} in nodes(p["schema"])] == []


def test_every_operation_is_named_once_and_described(document: dict[str, Any]) -> None:
    everything = operations(document).values()

    assert len({operation["operationId"] for operation in everything}) == len(everything)
    assert all(operation["summary"] and operation["description"] for operation in everything)


def test_every_route_documents_its_errors_in_the_one_body(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        errors = {int(s): r for s, r in operation["responses"].items() if int(s) >= 400}
        expected = {500}
        expected |= {422} if name != "GET /healthz" else set()
        expected |= {400, 413, 415} if "requestBody" in operation else set()
        expected |= {404} if "{" in name else set()
        expected |= {412} if name.startswith("PATCH /v1/banks") else set()
        expected |= set() if name.split()[1] in PUBLIC else {401, 403, 429}
        expected |= {409} if name.endswith("/distillations") or name == "POST /v1/banks" else set()
        expected |= {429, 502, 503, 504, 404} if name in ASKING else set()
        assert expected <= set(errors), name
        for response in errors.values():
            (media, content), *more = response["content"].items()
            assert not more
            assert media == "application/problem+json"
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_an_error_fits_the_documented_schema(still_desk: Desk, document: dict[str, Any]) -> None:
    body = still_desk.client.post("/v1/answers", json={}).json()

    whole = {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    jsonschema.validate(body, whole)
