"""Banks over HTTP as files: what is exported can be imported, and what cannot be used leaves nothing behind."""

from __future__ import annotations

import json

import httpx

from tests.api_desk import Desk, check_problem

LINES = {"Content-Type": "application/x-ndjson"}


def exported(desk: Desk, bank: str = "desk") -> bytes:
    response = desk.client.get(f"/v1/banks/{bank}/export")
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"].startswith("application/x-ndjson")
    return response.content


def sent(desk: Desk, bank: str, file: bytes, **options: str) -> httpx.Response:
    return desk.client.post(f"/v1/banks/{bank}/import", content=file, headers=LINES, params=options)


def test_an_exported_bank_is_imported_once_its_place_is_free(desk: Desk) -> None:
    file = exported(desk)
    found = {"question": "The printer is jammed."}
    before = desk.client.post(f"{desk.path}/retrieve", json=found).json()
    desk.client.delete(desk.path).raise_for_status()

    response = sent(desk, "desk", file)

    assert response.status_code == 201, response.text
    done = response.json()
    assert (done["experiences"], done["embedded"], done["dry_run"]) == (3, 0, False)
    assert exported(desk) == file
    assert desk.client.get(desk.path).json()["id"] == done["bank_id"]
    assert desk.client.post(f"{desk.path}/retrieve", json=found).json() == before


def test_a_dry_run_tells_what_would_be_imported_and_writes_nothing(desk: Desk) -> None:
    file = exported(desk)

    response = sent(desk, "other", file, on_conflict="copy", dry_run="true")

    assert response.status_code == 200
    assert (response.json()["bank_id"], response.json()["experiences"]) == (None, 3)
    assert desk.client.get("/v1/banks/other").status_code == 404


def test_a_copy_and_a_replacement_are_made_where_they_are_asked_for(desk: Desk) -> None:
    file = exported(desk)

    check_problem(sent(desk, "desk", file), 409, "conflict")
    check_problem(sent(desk, "other", file), 409, "conflict")
    check_problem(sent(desk, "nobody", file, on_conflict="replace"), 404, "not_found")
    assert sent(desk, "other", file, on_conflict="copy").status_code == 201
    assert sent(desk, "desk", file, on_conflict="replace").status_code == 201
    assert desk.client.get("/v1/banks/other").json()["experiences"] == 3
    assert desk.client.get(desk.path).json()["experiences"] == 3


def test_a_file_that_is_cut_off_is_refused_with_the_number_of_the_line(desk: Desk) -> None:
    file = exported(desk)
    lines = len(file.splitlines())

    body = check_problem(sent(desk, "other", file[:-5]), 422, "invalid_bank_file")

    assert body["detail"].startswith(f"line {lines}: ")
    assert "nothing was imported" in body["detail"]
    assert desk.client.get("/v1/banks/other").status_code == 404


def test_what_is_no_file_of_a_bank_is_refused(still_desk: Desk) -> None:
    check_problem(sent(still_desk, "x", b""), 422, "invalid_bank_file")
    check_problem(sent(still_desk, "x", json.dumps({"samples": []}).encode()), 422, "invalid_bank_file")
    check_problem(sent(still_desk, "x", b"\xff\n"), 422, "invalid_bank_file")
    check_problem(sent(still_desk, "x", b" " * 100_001), 413, "too_large")
    check_problem(still_desk.client.post("/v1/banks/x/import", json={}), 415, "unsupported_media_type")
    check_problem(still_desk.client.get("/v1/banks/nobody/export"), 404, "not_found")


def test_a_bank_is_imported_from_a_form(desk: Desk) -> None:
    file = exported(desk)
    path = "/v1/banks/other/import"

    made = desk.client.post(path, files={"file": ("bank.jsonl", file)}, params={"on_conflict": "copy"})

    assert (made.status_code, made.json()["experiences"]) == (201, 3), made.text
    none = desk.client.post(path, files={"on_conflict": (None, "copy")})
    check_problem(none, 422, "invalid_field", ["body", "on_conflict"])
