"""Two projects, each trying every route with the other's ids and names: they are not there, and nothing changes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from api.scopes import NEEDS, PUBLIC
from ted.bank.keys import SCOPES
from tests.api.conftest import settings_at
from tests.api_desk import check_problem
from tests.blanks import Blank
from tests.keyed import PROBES, Keyed, Probe, Tenant, keyed, rows_of, tenant
from tests.upstream import Upstream


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, blank: Blank, provider: Upstream) -> Iterator[Keyed]:
    with keyed(settings_at(tmp_path_factory.mktemp("tenants"), blank, provider)) as running:
        yield running


@pytest.fixture(scope="module")
def ours(service: Keyed) -> Tenant:
    return tenant(service, "ours")


@pytest.fixture(scope="module")
def theirs(service: Keyed) -> Tenant:
    return tenant(service, "theirs")


def routes(service: Keyed) -> set[str]:
    """All that the service says it has, but for what is public."""
    document = service.client.get("/openapi.json").json()
    return {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
        if path not in PUBLIC
    }


def test_every_route_has_a_probe_and_a_scope(service: Keyed) -> None:
    found = routes(service)

    assert found == set(PROBES)
    assert found == {f"{method} {template}" for method, template in NEEDS}


@pytest.mark.parametrize("route", PROBES)
def test_what_is_another_projects_is_not_there_and_does_not_change(
    service: Keyed, ours: Tenant, theirs: Tenant, route: str
) -> None:
    before = rows_of(service, theirs.project)

    for probe in PROBES[route]:
        response = probe.send(service, ours.secret, route, theirs.names)

        assert response.status_code == probe.status, response.text
        if probe.status == 200:
            told = [name for name in theirs.names.values() if name in response.text]
            assert told == []
    assert rows_of(service, theirs.project) == before


@pytest.mark.parametrize("route", [r for r in PROBES if "{bank}" in r and "{experience_id}" in r])
def test_another_projects_experience_is_in_no_bank_of_ours(
    service: Keyed, ours: Tenant, theirs: Tenant, route: str
) -> None:
    names = theirs.names | {"bank": ours.names["bank"]}
    before = rows_of(service, theirs.project)

    (probe,) = PROBES[route]
    check_problem(probe.send(service, ours.secret, route, names), 404, "not_found")

    assert rows_of(service, theirs.project) == before


@pytest.mark.parametrize("kind", ["distillations", "evaluations"])
def test_another_projects_file_is_no_material_for_our_bank(
    service: Keyed, ours: Tenant, theirs: Tenant, kind: str
) -> None:
    path = f"/v1/banks/{ours.names['bank']}/{kind}"

    response = service.send(ours.secret, "POST", path, json={"file_id": theirs.names["file_id"]})

    check_problem(response, 404, "not_found")


@pytest.mark.parametrize("named", ["bank", "bank_name"])
def test_another_projects_bank_is_not_merged_into_ours(
    service: Keyed, ours: Tenant, theirs: Tenant, named: str
) -> None:
    path = f"/v1/banks/{ours.names['bank']}/merge"

    response = service.send(ours.secret, "POST", path, json={"from": theirs.names[named]})

    check_problem(response, 404, "not_found")


def test_another_projects_bank_is_neither_replaced_nor_found_by_an_import(
    service: Keyed, ours: Tenant, theirs: Tenant
) -> None:
    before = rows_of(service, theirs.project)
    exported = service.send(ours.secret, "GET", f"/v1/banks/{ours.names['bank']}/export")
    headers = {"Content-Type": "application/x-ndjson"}
    bank_of_theirs = service.send(theirs.secret, "GET", f"/v1/banks/{theirs.names['bank']}/export").content

    replaced = service.send(
        ours.secret,
        "POST",
        f"/v1/banks/{theirs.names['bank']}/import",
        params={"on_conflict": "replace"},
        content=exported.content,
        headers=headers,
    )
    taken = service.send(
        ours.secret, "POST", "/v1/banks/taken/import", content=bank_of_theirs, headers=headers
    )

    check_problem(replaced, 404, "not_found")
    assert theirs.names["bank"] not in check_problem(taken, 409, "conflict")["detail"]
    assert rows_of(service, theirs.project) == before


def test_the_same_names_and_idempotency_keys_are_free_in_each_project(
    service: Keyed, ours: Tenant, theirs: Tenant
) -> None:
    made = []
    for one in (ours, theirs):
        service.send(one.secret, "POST", "/v1/banks", json={"name": "same"}).raise_for_status()
        sent = {"samples": [{"question": "What?", "answer": "That."}]}
        key = {"Idempotency-Key": "same"}
        made.append(
            service.send(one.secret, "POST", "/v1/banks/same/evaluations", json=sent, headers=key).json()[
                "id"
            ]
        )

    assert made[0] != made[1]


@pytest.mark.parametrize("route", PROBES)
def test_a_route_needs_a_key_that_is_known(service: Keyed, ours: Tenant, route: str) -> None:
    probe = PROBES[route][0]

    for secret in (None, "ted_unknown", ours.secret[:-1]):
        response = probe.send(service, secret, route, ours.names)

        check_problem(response, 401, "invalid_api_key")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.fixture(scope="module")
def single(service: Keyed, ours: Tenant) -> dict[str, str]:
    """A key for each scope alone, of our project."""
    return {scope: service.key(scope, project=ours.project)[1] for scope in SCOPES}


@pytest.mark.parametrize("route", PROBES)
def test_a_key_of_one_scope_may_what_the_table_says_and_nothing_else(
    service: Keyed, single: dict[str, str], theirs: Tenant, route: str
) -> None:
    method, template = route.split()
    need: Any = NEEDS[(method, template)]

    for scope, secret in single.items():
        response = PROBES[route][0].send(service, secret, route, theirs.names)

        if need != "operator" and scope in need:
            assert response.status_code not in (401, 403), (scope, response.text)
        else:
            check_problem(response, 403, "not_allowed")


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_what_is_public_needs_no_key(service: Keyed, path: str) -> None:
    assert service.client.get(path).status_code == 200


def test_what_is_not_there_is_told_to_who_has_a_key_only(service: Keyed, ours: Tenant) -> None:
    assert service.client.get("/v1/nothing").status_code == 401
    assert service.send(ours.secret, "GET", "/v1/nothing").status_code == 404
    assert service.send(ours.secret, "DELETE", "/v1/models").status_code == 405


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """An address of nobody's, and who connected to it."""
    listening, seen = socket.create_server(("127.0.0.1", 0)), list[str]()

    def accept() -> None:
        while True:
            try:
                connection, who = listening.accept()
            except OSError:
                return
            seen.append(str(who))
            connection.close()

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1", seen
    listening.close()


@pytest.mark.parametrize("route", [r for r, probes in PROBES.items() if probes[0].json is not None])
def test_no_body_names_a_provider(
    service: Keyed, ours: Tenant, elsewhere: tuple[str, list[str]], route: str
) -> None:
    url, seen = elsewhere
    probe = PROBES[route][0]
    for name, value in {
        "api_base": url,
        "base_url": url,
        "api_key": "sk-of-somebody",
        "extra_headers": {"Authorization": "Bearer sk-of-somebody"},
        "extra_body": {"api_base": url},
        "custom_llm_provider": "openai",
        "student_api_base": url,
    }.items():
        sent = Probe({**probe.json, name: value}, headers=probe.headers)

        response = sent.send(service, ours.secret, route, ours.names)

        assert response.status_code in (403, 422), (name, response.text)
    assert seen == []
