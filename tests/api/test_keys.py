"""Keys: made, shown once, changed, revoked; what they may spend, how often they may ask, and whom they may administer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import openai
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api import keyring
from api.keyring import Keyring
from api.rates import written
from ted.bank.accounts import KeyAccounts
from ted.bank.caller import DEFAULT_PROJECT
from ted.bank.calls import CallStore, Owner
from ted.bank.job_values import UNFINISHED
from ted.bank.keys import KeyStore, Limits
from ted.bank.projects import ProjectStore
from ted.bank.sessions import SessionStore
from ted.bank.tables import Base, now
from ted.chat import ChatRequest, Message, Reply, Usage
from ted.errors import BadSetting
from ted.settings import Settings
from tests.api_desk import QUESTION, check_problem
from tests.keyed import Keyed, keyed
from tests.upstream import Upstream

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def service(settings: Settings) -> Iterator[Keyed]:
    with keyed(settings) as running:
        yield running


@pytest.fixture
def admin(service: Keyed) -> str:
    """The operator's key."""
    return service.key("admin")[1]


def ask(service: Keyed, secret: str) -> Any:
    sent = {"model": "openai/student", "messages": HELLO, "max_tokens": 50}
    return service.send(secret, "POST", "/v1/chat/completions", json=sent)


# -- made, changed, revoked


def test_a_key_tells_its_secret_once_and_the_store_has_none_of_it(service: Keyed, admin: str) -> None:
    sent = {"name": "app", "scopes": ["answer", "feedback"], "limits": {"requests_per_minute": 60}}
    made = service.send(admin, "POST", "/v1/admin/keys", json=sent)
    body = made.json()
    secret = body.pop("key")

    shown = service.send(admin, "GET", made.headers["Location"]).json()

    assert made.status_code == 201
    assert re.fullmatch(r"ted_[\w-]{54}", secret)
    assert shown == body
    assert (body["name"], body["scopes"], body["banks"]) == ("app", ["answer", "feedback"], None)
    assert body["prefix"] == secret[:12]
    assert service.send(secret, "GET", "/v1/models").status_code == 200
    with service.service.ted.database.reading() as session:
        kept = [
            repr(row) for t in Base.metadata.tables for row in session.execute(text(f'select * from "{t}"'))
        ]
    assert not [row for row in kept if secret in row or admin in row]


def test_a_key_can_be_sent_under_either_header(service: Keyed, admin: str) -> None:
    for headers in ({"Authorization": f"bearer  {admin}"}, {"X-API-Key": admin}):
        assert service.client.get("/v1/banks", headers=headers).status_code == 200

    assert service.client.get("/v1/banks", headers={"Authorization": f"Basic {admin}"}).status_code == 401


def test_a_revoked_key_works_no_more(service: Keyed, admin: str) -> None:
    key, secret = service.key("answer")
    assert service.send(secret, "GET", "/v1/models").status_code == 200

    revoked = service.send(admin, "DELETE", f"/v1/admin/keys/{key.id}").json()

    assert revoked["revoked_at"] is not None
    check_problem(service.send(secret, "GET", "/v1/models"), 401, "invalid_api_key")
    check_problem(
        service.send(admin, "PATCH", f"/v1/admin/keys/{key.id}", json={"name": "x"}), 409, "conflict"
    )


async def test_a_key_that_was_revoked_elsewhere_is_known_for_a_moment_only(
    service: Keyed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "KNOWN_SECONDS", 0.0)
    key, secret = service.key("answer")
    ring = Keyring(service.keys, SessionStore(service.service.ted.database))
    assert await ring.key_of(secret) == key

    service.keys.revoke(key.id)

    assert await ring.key_of(secret) is None
    assert keyring.MOST_KNOWN <= 10_000


def test_an_expired_key_works_no_more_and_one_that_will_expire_does(service: Keyed, admin: str) -> None:
    _, over = service.key("answer", expires_at=now() - timedelta(seconds=1))
    sent = {"scopes": ["answer"], "expires_at": (now() + timedelta(days=1)).isoformat()}
    yet = service.send(admin, "POST", "/v1/admin/keys", json=sent).json()["key"]

    check_problem(service.send(over, "GET", "/v1/models"), 401, "invalid_api_key")
    assert service.send(yet, "GET", "/v1/models").status_code == 200


def test_what_a_patch_leaves_out_stays(service: Keyed, admin: str) -> None:
    sent = {"name": "app", "scopes": ["answer"], "limits": {"budget_calls": 3, "budget_period": "month"}}
    made = service.send(admin, "POST", "/v1/admin/keys", json=sent).json()

    changed = service.send(
        admin, "PATCH", f"/v1/admin/keys/{made['id']}", json={"scopes": ["distill"]}
    ).json()

    assert changed["scopes"] == ["distill"]
    assert (changed["name"], changed["limits"]) == ("app", made["limits"])
    assert service.send(made["key"], "GET", "/v1/models").status_code == 403


@pytest.mark.parametrize(
    "sent",
    [
        {"scopes": []},
        {"scopes": ["root"]},
        {"scopes": ["admin"], "banks": []},
        {"scopes": ["answer"], "limits": {"requests_per_minute": 0}},
        {"scopes": ["answer"], "limits": {"budget_usd": -1}},
        {"scopes": ["answer"], "key": "ted_of_mine"},
        {"scopes": ["answer"], "name": "x" * 101},
    ],
)
def test_a_key_that_cannot_be_is_refused(service: Keyed, admin: str, sent: dict[str, Any]) -> None:
    assert service.send(admin, "POST", "/v1/admin/keys", json=sent).status_code == 422


def test_when_a_key_was_last_used_is_written_in_a_while(service: Keyed) -> None:
    key, secret = service.key("answer")
    service.send(secret, "GET", "/v1/models")
    assert service.keys.get(key.id).last_used_at is None

    service.service.keyring.write_uses(at_once=True)

    assert service.keys.get(key.id).last_used_at is not None


def test_the_first_key_is_made_where_there_was_never_one(service: Keyed) -> None:
    store = KeyStore(service.service.ted.database, None)
    first = store.make_first()
    assert first is not None
    key = store.of_secret(first)
    assert key is not None
    store.revoke(key.id)

    assert store.make_first() is None
    assert (key.settings.scopes, key.project_id) == (("admin",), DEFAULT_PROJECT)


# -- whom they may administer


def test_an_administrator_has_the_keys_of_its_own_project_and_the_operator_all(
    service: Keyed, admin: str
) -> None:
    project = service.send(admin, "POST", "/v1/admin/projects", json={"name": "lab"}).json()["id"]
    sent = {"scopes": ["admin"], "project": "lab"}
    lab = service.send(admin, "POST", "/v1/admin/keys", json=sent).json()

    def ids(secret: str, path: str) -> list[str]:
        return [one["id"] for one in service.send(secret, "GET", path).json()["data"]]

    assert lab["project"] == project
    assert ids(lab["key"], "/v1/admin/keys") == [lab["id"]]
    assert ids(admin, "/v1/admin/keys?project=lab") == [lab["id"]]
    assert ids(lab["key"], "/v1/admin/projects") == [project]
    assert ids(admin, "/v1/admin/projects") == sorted([project, DEFAULT_PROJECT])
    assert service.send(lab["key"], "POST", "/v1/admin/projects", json={"name": "x"}).status_code == 403
    assert service.send(lab["key"], "GET", "/metrics").status_code == 403
    assert service.send(admin, "GET", "/metrics").status_code == 200


def test_only_an_empty_project_is_deleted(service: Keyed, admin: str) -> None:
    service.send(admin, "POST", "/v1/admin/projects", json={"name": "lab"}).raise_for_status()
    sent = {"scopes": ["admin", "distill"], "project": "lab"}
    lab = service.send(admin, "POST", "/v1/admin/keys", json=sent).json()
    service.send(lab["key"], "POST", "/v1/banks", json={"name": "desk"}).raise_for_status()

    check_problem(service.send(admin, "DELETE", "/v1/admin/projects/lab"), 409, "conflict")
    service.send(lab["key"], "DELETE", "/v1/banks/desk").raise_for_status()
    check_problem(service.send(admin, "DELETE", "/v1/admin/projects/lab"), 409, "conflict")
    service.send(admin, "DELETE", f"/v1/admin/keys/{lab['id']}").raise_for_status()

    assert service.send(admin, "DELETE", "/v1/admin/projects/lab").status_code == 204
    assert service.send(admin, "GET", "/v1/admin/projects/lab").status_code == 404
    check_problem(service.send(admin, "DELETE", f"/v1/admin/projects/{DEFAULT_PROJECT}"), 409, "conflict")


def test_a_key_of_certain_banks_sees_no_other_and_makes_none(service: Keyed) -> None:
    _, secret = service.key()
    desk = service.desk(secret)
    other = desk.client.post("/v1/banks", json={"name": "other"}).json()["id"]
    answer = desk.client.post("/v1/answers", json={"bank": other, "question": QUESTION}).json()["id"]
    _, narrow = service.key("answer", "distill", "feedback", banks=("desk",))

    listed = service.send(narrow, "GET", "/v1/banks").json()["data"]
    models = [model["id"] for model in service.send(narrow, "GET", "/v1/models").json()["data"]]

    assert [bank["name"] for bank in listed] == ["desk"]
    assert models == ["openai/student", "openai/student@desk"]
    for path in ("/v1/banks/other", f"/v1/banks/{other}", f"/v1/answers/{answer}", "/v1/jobs?bank=other"):
        check_problem(service.send(narrow, "GET", path), 404, "not_found")
    sent = {"answer_id": answer, "correct": True}
    check_problem(service.send(narrow, "POST", "/v1/feedback", json=sent), 404, "not_found")
    check_problem(service.send(narrow, "POST", "/v1/banks", json={"name": "new"}), 403, "not_allowed")
    assert service.send(narrow, "GET", "/v1/banks/desk/experiences").status_code == 200


# -- how often, and how much


def test_beyond_its_rate_a_key_is_told_when_to_come_again(service: Keyed) -> None:
    _, secret = service.limited(requests_per_minute=2)
    _, other = service.limited(requests_per_minute=2)

    found = [service.send(secret, "GET", "/v1/models") for _ in range(3)]

    assert [r.status_code for r in found] == [200, 200, 429]
    assert [r.headers["x-ratelimit-remaining-requests"] for r in found] == ["1", "0", "0"]
    assert {r.headers["x-ratelimit-limit-requests"] for r in found} == {"2"}
    assert all(re.fullmatch(r"(\d+m)?[\d.]+(ms|s)", r.headers["x-ratelimit-reset-requests"]) for r in found)
    check_problem(found[2], 429, "rate_limit_exceeded")
    assert 1 <= int(found[2].headers["Retry-After"]) <= 60
    assert service.send(other, "GET", "/v1/models").status_code == 200


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0ms"), (0.12, "120ms"), (1, "1s"), (1.5, "1.5s"), (60, "1m0s"), (360, "6m0s")]
)
def test_the_time_to_a_reset_is_written_as_openai_does(seconds: float, told: str) -> None:
    assert written(seconds) == told


def test_tokens_of_the_last_minutes_answers_count(service: Keyed) -> None:
    _, secret = service.limited(tokens_per_minute=1)

    first, second = ask(service, secret), ask(service, secret)

    assert first.headers["x-ratelimit-remaining-tokens"] == "1"
    assert (first.status_code, second.headers["x-ratelimit-remaining-tokens"]) == (200, "0")
    check_problem(second, 429, "rate_limit_exceeded")


def test_a_spent_budget_is_insufficient_quota_and_another_key_goes_on(
    service: Keyed, provider: Upstream, admin: str
) -> None:
    key, secret = service.limited(budget_calls=2)
    answered = [ask(service, secret).status_code for _ in range(2)]
    asked = len(provider.call_keys)

    refused = ask(service, secret)

    assert answered == [200, 200]
    check_problem(refused, 429, "insufficient_quota")
    assert len(provider.call_keys) == asked
    assert ask(service, service.limited()[1]).status_code == 200
    (of_key,) = [
        part
        for part in service.send(admin, "GET", "/v1/admin/usage").json()["by_key"]
        if part["key_id"] == key.id
    ]
    assert of_key["calls"] == 2
    (project,) = service.send(admin, "GET", "/v1/admin/usage").json()["by_project"]
    assert (project["project"], project["calls"]) == (DEFAULT_PROJECT, 3)


def test_a_budget_in_tokens_is_not_gone_beyond_by_the_worst_case(service: Keyed, provider: Upstream) -> None:
    _, secret = service.limited(budget_tokens=40)
    asked = len(provider.call_keys)

    check_problem(ask(service, secret), 429, "insufficient_quota")  # 50 tokens of a completion may be 50
    assert len(provider.call_keys) == asked


def test_a_budget_in_dollars_needs_a_price(service: Keyed) -> None:
    _, secret = service.limited(budget_usd=1.0)

    check_problem(ask(service, secret), 422, "invalid_setting")


def test_a_stream_is_refused_before_it_begins(service: Keyed) -> None:
    _, secret = service.limited(budget_calls=0)
    sent = {"model": "openai/student", "messages": HELLO, "stream": True}

    check_problem(service.send(secret, "POST", "/v1/chat/completions", json=sent), 429, "insufficient_quota")


def test_a_job_stops_at_the_budget_of_the_key_that_submitted_it(service: Keyed) -> None:
    key, secret = service.limited(budget_calls=5)
    desk = service.desk(secret)

    job = desk.ended(desk.distil(4).json()["id"])

    assert job["status"] == "paused"
    assert "budget of the key" in job["reason"]
    assert 0 < job["usage"]["calls"] <= 5
    assert desk.client.get("/v1/admin/usage").status_code == 403
    service.keys.change(key.id, lambda s: type(s)(s.name, s.scopes, s.banks, Limits(), s.expires_at))
    desk.client.post(f"/v1/jobs/{job['id']}/resume").raise_for_status()
    assert desk.ended(job["id"])["status"] == "succeeded"


def test_a_spent_key_submits_no_job(service: Keyed) -> None:
    _, secret = service.limited(budget_calls=0)

    check_problem(service.desk(secret).distil(2), 429, "insufficient_quota")
    assert not service.service.ted.everybodys_jobs.all(statuses=UNFINISHED)


def test_a_monthly_budget_is_of_this_month(service: Keyed) -> None:
    database = service.service.ted.database
    key, _ = service.limited(budget_calls=1, budget_period="month")
    total, _ = service.limited(budget_calls=1)
    for one in (key, total):
        call = ChatRequest(f"ans_{one.id}:0:0:student:0", (Message("user", ("Hello",)),), 50)
        reply = Reply("Hello", "student", Usage(1, 1, None), 0.1)
        CallStore(database).commit(call, reply, Owner(DEFAULT_PROJECT, None, f"ans_{one.id}", one.id))
    with database.writing() as session:
        session.execute(text("update model_calls set created_at = '2020-01-31 10:00:00.000000'"))

    accounts = KeyAccounts(database)
    accounts.check(key.id)

    with pytest.raises(Exception, match="budget of the key, 1 calls, is reached"):
        accounts.check(total.id)


# -- OpenAI's own client


def test_openais_client_raises_what_it_should(service: Keyed) -> None:
    def client(secret: str) -> openai.OpenAI:
        http = TestClient(service.client.app, base_url="http://127.0.0.1")
        return openai.OpenAI(base_url="http://127.0.0.1/v1", api_key=secret, max_retries=0, http_client=http)

    def completed(secret: str) -> Any:
        return client(secret).chat.completions.create(model="openai/student", messages=HELLO)

    with pytest.raises(openai.AuthenticationError):
        completed("ted_wrong")
    with pytest.raises(openai.PermissionDeniedError):
        completed(service.key("distill")[1])
    with pytest.raises(openai.RateLimitError) as spent:
        completed(service.limited(budget_calls=0)[1])
    _, slow = service.limited(requests_per_minute=1)
    completed(slow)
    with pytest.raises(openai.RateLimitError) as often:
        completed(slow)

    assert (spent.value.code, often.value.code) == ("insufficient_quota", "rate_limit_exceeded")


# -- what nobody is told


def test_no_log_line_has_a_key(service: Keyed, admin: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    made = service.send(admin, "POST", "/v1/admin/keys", json={"scopes": ["answer"]}).json()["key"]

    service.send(made, "GET", "/v1/models")
    service.send(made, "GET", "/v1/jobs")
    service.send(made[:-1], "GET", "/v1/models")

    assert caplog.records
    assert not [line for line in caplog.messages if made[:-1] in line or admin in line]


def test_a_storage_that_cannot_be_is_told(settings: Settings) -> None:
    broken = settings.model_copy(update={"rate_limit_storage": "nothing://"})

    with pytest.raises(BadSetting, match="TED_RATE_LIMIT_STORAGE"), keyed(broken):
        pass


def test_the_secrets_of_a_list_are_none(service: Keyed, admin: str) -> None:
    listed = service.send(admin, "GET", "/v1/admin/keys").json()

    assert "hash" not in json.dumps(listed)
    assert [set(key) & {"key", "secret"} for key in listed["data"]] == [set()]
    assert ProjectStore(service.service.ted.database).find("default").id == DEFAULT_PROJECT
