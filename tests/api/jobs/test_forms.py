"""Files that come as forms: kept as others are, bounded as they come, and told by field where they cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.jobs.test_files import LINES, kept, zip_of
from tests.api_desk import Desk, check_problem

BOUNDARY = "edge"


def sent(desk: Desk, data: bytes = LINES, *, name: str = "train.jsonl", **fields: str) -> Any:
    return desk.client.post("/v1/files", files={"file": (name, data)}, data=fields)


def part(disposition: str, content: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode() + content + b"\r\n"


def whole(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def raw(desk: Desk, content: bytes | Iterator[bytes], media: str = "boundary=edge") -> Any:
    return desk.client.post(
        "/v1/files", content=content, headers={"Content-Type": f"multipart/form-data; {media}"}
    )


FILE = part('name="file"; filename="a.jsonl"', LINES)


def test_a_file_of_a_form_is_kept_as_one_that_is_the_body(desk: Desk) -> None:
    made = sent(desk, purpose="evaluation")

    assert made.status_code == 201, made.text
    file = made.json()
    assert (file["filename"], file["purpose"], file["samples"]) == ("train.jsonl", "evaluation", 4)
    assert desk.client.get(f"/v1/files/{file['id']}/content").content == LINES


def test_a_zip_of_a_form_is_known_by_its_bytes(desk: Desk) -> None:
    made = sent(desk, zip_of({"samples.jsonl": LINES}), name="train")

    assert (made.json()["format"], made.json()["samples"]) == ("zip", 4)


@pytest.mark.parametrize(
    ("named", "meant"), [("fine-tune", "distillation"), ("evals", "evaluation"), (None, "distillation")]
)
def test_two_purposes_of_openai_mean_what_ours_do(desk: Desk, named: str | None, meant: str) -> None:
    made = sent(desk, **({"purpose": named} if named else {}))

    assert made.json()["purpose"] == meant


def test_a_form_that_is_too_large_is_refused_by_the_byte_too_many(desk: Desk) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(40):
            yield b" " * 5_000

    check_problem(raw(desk, content=endless()), 413, "too_large")
    check_problem(sent(desk, b" " * 200_000), 413, "too_large")
    assert kept(desk) == []


def test_bad_lines_of_a_form_are_told_by_their_numbers_and_nothing_is_kept(desk: Desk) -> None:
    response = sent(desk, LINES + b'{"question": "a", "answer": ""}\nnonsense\n')

    check_problem(response, 422, "invalid_samples", ["file", 5, "answer"], ["file", 6])
    assert kept(desk) == []


def test_a_field_that_cannot_be_used_is_told_by_its_name(still_desk: Desk) -> None:
    desk, client = still_desk, still_desk.client
    for response, field in (
        (client.post("/v1/files", files={"purpose": (None, "evaluation")}), "file"),
        (client.post("/v1/files", files={"file": (None, LINES)}), "file"),
        (client.post("/v1/files", files=[("file", ("a", LINES)), ("file", ("b", LINES))]), "file"),
        (client.post("/v1/files", files={"purpose": ("a", LINES)}), "purpose"),
        (sent(desk, purpose="batch"), "purpose"),
        (sent(desk, colour="red"), "colour"),
        (sent(desk, name="../a"), "file"),
        (sent(desk, name="a" * 201), "file"),
        (
            raw(desk, whole(FILE, part('name="purpose"', b"evals"), part('name="purpose"', b"evals"))),
            "purpose",
        ),
    ):
        check_problem(response, 422, "invalid_field", ["body", field])


def test_what_is_no_whole_form_is_refused(still_desk: Desk) -> None:
    for response in (
        raw(still_desk, FILE[:-9]),
        raw(still_desk, b"nothing of the kind"),
        raw(still_desk, whole(FILE), media=""),
        raw(still_desk, whole(part("filename=a", LINES))),
        raw(still_desk, whole(part('name="purpose"', b"x" * 20_000))),
        raw(still_desk, whole(*[part(f'name="f{n}"', b"x") for n in range(30)])),
        raw(still_desk, whole(FILE), media="boundary=edge; charset=undefined"),
    ):
        check_problem(response, 422, "invalid_field", ["body", "file"])
    assert kept(still_desk) == []
