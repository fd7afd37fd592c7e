"""Files over HTTP: kept by hash, refused line by line, taken by jobs; what is too large or another's is refused."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from ted.bank.job_tables import FilePartRow, FileRow
from tests.api_desk import Desk, check_problem
from tests.desk_models import samples
from tests.drawings import draw

LINES = "".join(json.dumps(sample) + "\n" for sample in samples(4)).encode()


PLAIN = {"Content-Type": "application/jsonl"}


def upload(desk: Desk, data: Any = LINES, *, media_type: str = "application/jsonl", **query: Any) -> Any:
    params = {"filename": "train.jsonl"} | query
    return desk.client.post("/v1/files", params=params, content=data, headers={"Content-Type": media_type})


def kept(desk: Desk) -> list[str]:
    """Hashes of the files whose bytes are in the store."""
    with desk.service.ted.database.reading() as session:
        return sorted(session.scalars(select(FilePartRow.sha256).distinct()))


def zip_of(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def test_a_file_is_kept_shown_listed_given_back_and_deleted(desk: Desk) -> None:
    response = upload(desk, purpose="evaluation")

    made = response.json()
    assert (response.status_code, made["object"], made["samples"], made["bytes"]) == (
        201,
        "file",
        4,
        len(LINES),
    )
    assert (made["format"], made["purpose"], made["filename"]) == ("jsonl", "evaluation", "train.jsonl")
    path = f"/v1/files/{made['id']}"
    assert desk.client.get(path).json() == made
    assert desk.client.get("/v1/files", params={"purpose": "evaluation"}).json()["data"] == [made]
    assert desk.client.get("/v1/files", params={"purpose": "distillation"}).json()["data"] == []
    content = desk.client.get(f"{path}/content")
    assert (content.content, content.headers["Content-Type"]) == (LINES, "application/jsonl")
    assert desk.client.delete(path).status_code == 204
    check_problem(desk.client.get(path), 404, "not_found")
    assert kept(desk) == []


def test_the_same_bytes_are_kept_once_and_until_the_last_file_of_them_goes(desk: Desk) -> None:
    first, second = upload(desk).json(), upload(desk, filename="again.jsonl").json()
    assert (first["sha256"], kept(desk)) == (second["sha256"], [first["sha256"]])

    desk.client.delete(f"/v1/files/{first['id']}").raise_for_status()

    assert desk.client.get(f"/v1/files/{second['id']}/content").content == LINES
    desk.client.delete(f"/v1/files/{second['id']}").raise_for_status()
    assert kept(desk) == []


def test_a_file_is_distilled_from_and_evaluated_with(desk: Desk) -> None:
    file_id = upload(desk).json()["id"]

    distilling = desk.client.post(f"{desk.path}/distillations", json={"file_id": file_id, "trajectories": 1})
    assert desk.ended(distilling.json()["id"])["request_counts"]["completed"] == 4
    evaluating = desk.client.post(
        f"{desk.path}/evaluations", json={"file_id": file_id, "arms": ["none"], "allow_overlap": True}
    )
    desk.client.delete(f"/v1/files/{file_id}").raise_for_status()

    job = desk.ended(evaluating.json()["id"])
    assert (job["status"], job["request_counts"]["total"]) == ("succeeded", 4)
    gone = desk.client.post(f"{desk.path}/evaluations", json={"file_id": file_id})
    check_problem(gone, 404, "not_found")


def test_a_zip_brings_the_images_that_its_lines_name(desk: Desk) -> None:
    line = {"question": "Ticket s01: what is it?", "answer": "QX-424", "images": ["p/1.png"]}
    data = zip_of({"samples.jsonl": json.dumps(line).encode(), "p/1.png": draw("red", "circle", seed=2)})

    made = upload(desk, data, media_type="application/zip", filename="train.zip").json()

    assert (made["format"], made["samples"]) == ("zip", 1)
    body = {"file_id": made["id"], "trajectories": 1}
    job_id = desk.client.post(f"{desk.path}/distillations", json=body).json()["id"]
    assert desk.ended(job_id)["status"] == "succeeded"
    (sample,) = desk.service.ted.jobs.samples(job_id)
    assert sample.question.images[0].data == draw("red", "circle", seed=2)


def test_bad_lines_are_told_by_their_numbers_and_nothing_is_kept(desk: Desk) -> None:
    bad = (
        LINES
        + b'{"question": "a", "answer": ""}\n{"question": "b", "answer": "x", "grader": "numeric"}\nnonsense\n'
    )

    response = upload(desk, bad)

    body = check_problem(
        response, 422, "invalid_samples", ["file", 5, "answer"], ["file", 6, "answer"], ["file", 7]
    )
    assert "line 7: malformed JSON" in body["detail"]
    unlabelled = LINES + b'{"question": "a"}\n'
    check_problem(
        upload(desk, unlabelled, purpose="evaluation"), 422, "invalid_samples", ["file", 5, "answer"]
    )
    assert (kept(desk), desk.client.get("/v1/files").json()["data"]) == ([], [])


def test_a_zip_that_leaves_its_folder_is_refused_and_nothing_is_kept(desk: Desk) -> None:
    data = zip_of({"samples.jsonl": LINES, "../evil.png": b"x"})

    response = upload(desk, data, media_type="application/zip")

    assert "without .." in check_problem(response, 422, "invalid_input")["detail"]
    assert kept(desk) == []


def test_a_file_that_is_too_large_is_refused_while_it_comes(desk: Desk) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 5_000

    check_problem(upload(desk, endless()), 413, "too_large")
    check_problem(upload(desk, b" " * 200_000), 413, "too_large")
    assert kept(desk) == []


def test_what_is_no_file_of_samples_is_refused(still_desk: Desk) -> None:
    check_problem(upload(still_desk, b""), 422, "invalid_samples", ["file", 1])
    check_problem(upload(still_desk, media_type="image/png"), 415, "unsupported_media_type")
    check_problem(
        still_desk.client.post("/v1/files", content=LINES, headers=PLAIN),
        422,
        "invalid_field",
        ["query", "filename"],
    )
    check_problem(upload(still_desk, filename="a/b"), 422, "invalid_field", ["query", "filename"])
    check_problem(upload(still_desk, purpose="x"), 422, "validation_failed", ["query", "purpose"])


def test_samples_come_with_the_request_or_from_a_file_and_not_both(still_desk: Desk) -> None:
    for what in ("distillations", "evaluations"):
        path = f"{still_desk.path}/{what}"
        none = still_desk.client.post(path, json={})
        both = still_desk.client.post(path, json={"samples": samples(1), "file_id": "file_1"})
        gone = still_desk.client.post(path, json={"file_id": "file_1"})

        check_problem(none, 422, "invalid_field", ["body", "samples"])
        check_problem(both, 422, "invalid_field", ["body", "file_id"])
        check_problem(gone, 404, "not_found")


def test_a_file_of_another_project_is_not_there(desk: Desk) -> None:
    file_id = upload(desk).json()["id"]
    desk.give_away(FileRow)

    for path in (f"/v1/files/{file_id}", f"/v1/files/{file_id}/content"):
        check_problem(desk.client.get(path), 404, "not_found")
    check_problem(desk.client.delete(f"/v1/files/{file_id}"), 404, "not_found")
    taken = desk.client.post(f"{desk.path}/distillations", json={"file_id": file_id})
    check_problem(taken, 404, "not_found")
    assert desk.client.get("/v1/files").json()["data"] == []
