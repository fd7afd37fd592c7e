"""Log lines: one a record, with the ids they belong to, and nothing in them that must not be told."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ted.logs import LineFormatter, belonging_to, log_what_would_be_printed
from ted.settings import read_settings

KEY = "planted-key-0123"


class Written:
    """What a logger wrote."""

    def __init__(self, *, as_json: bool) -> None:
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(LineFormatter(as_json=as_json, secrets=[KEY]))
        self.logger = logging.getLogger("test.logs")
        self.logger.setLevel(logging.INFO)
        self.logger.addHandler(self.handler)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture(params=[True, False], ids=["json", "plain"])
def written(request: pytest.FixtureRequest) -> Iterator[Written]:
    made = Written(as_json=request.param)
    yield made
    made.logger.removeHandler(made.handler)


@pytest.fixture
def as_json() -> Iterator[Written]:
    made = Written(as_json=True)
    yield made
    made.logger.removeHandler(made.handler)


def test_a_record_is_one_line_with_its_fields(as_json: Written) -> None:
    as_json.logger.info("%s is done", "it", extra={"fields": {"status": 200}})

    (line,) = as_json.lines
    assert line["time"].endswith("+00:00")
    del line["time"]
    assert line == {"level": "INFO", "logger": "test.logs", "message": "it is done", "status": 200}


async def test_a_line_carries_the_request_from_threads_and_tasks_too(as_json: Written) -> None:
    async def one(request_id: str) -> None:
        with belonging_to(request_id=request_id):
            await asyncio.to_thread(as_json.logger.info, request_id)
            await asyncio.create_task(asyncio.to_thread(as_json.logger.info, request_id))

    await asyncio.gather(*(one(f"req_{n}") for n in range(20)))
    as_json.logger.info("of none")

    *lines, last = as_json.lines
    assert len(lines) == 40
    assert all(line["request_id"] == line["message"] for line in lines)
    assert "request_id" not in last


def test_a_job_does_not_carry_the_request_that_began_it(as_json: Written) -> None:
    with belonging_to(request_id="req_1"), belonging_to(job_id="job_1"):
        as_json.logger.info("works")

    assert (as_json.lines[0]["job_id"], "request_id" in as_json.lines[0]) == ("job_1", False)


@pytest.mark.parametrize(
    "secret",
    [KEY, "Bearer abc.def-ghi", "bearer xyz123456", "sk-0123456789ab", "ted_0123456789ab", "A" * 40],
)
def test_keys_and_images_are_not_told(written: Written, secret: str) -> None:
    told = f"data:image/png;base64,{secret}" if secret.startswith("AAA") else secret
    written.logger.warning("the provider said %s, and so on", told)

    assert secret not in written.text
    assert "and so on" in written.text


def test_the_name_of_a_setting_is_no_key(written: Written) -> None:
    written.logger.warning("too long (TED_DRAIN_SECONDS), set TED_STUDENT_API_KEY")

    assert "too long (TED_DRAIN_SECONDS), set TED_STUDENT_API_KEY" in written.text


def test_an_exception_is_told_by_its_type_and_places_and_not_by_what_it_quotes(written: Written) -> None:
    def inner() -> None:
        raise ValueError("the secret prompt")

    try:
        try:
            inner()
        except ValueError as error:
            raise RuntimeError("again the secret prompt") from error
    except RuntimeError:
        written.logger.exception("a defect")
    try:
        raise ExceptionGroup("a secret prompt", [KeyError("the secret prompt")])
    except ExceptionGroup:
        written.logger.exception("another")

    assert "secret prompt" not in written.text
    for word in ("RuntimeError", "ValueError", "inner", "test_logs.py", "KeyError"):
        assert word in written.text


def test_of_a_full_disk_the_reason_is_told(written: Written) -> None:
    try:
        raise OSError(28, "No space left on device")
    except OSError:
        written.logger.exception("it cannot be kept")

    assert "OSError (No space left on device)" in written.text


def test_a_line_end_in_a_message_begins_no_line(written: Written) -> None:
    written.logger.info("GET %s", "/a\n12:00:00 INFO forged\x1b[2J\u2028x")

    assert len(written.text.splitlines()) == 1
    assert "forged" in written.text


def test_what_asyncio_and_warnings_quote_is_left_out(as_json: Written) -> None:
    for name, message in (
        ("asyncio", "Task exception was never retrieved\nfuture: <Task ... ValueError('the secret prompt')>"),
        ("py.warnings", "x.py:3: UserWarning: serialized [input_value='the secret prompt']\n  warn()"),
    ):
        as_json.handler.handle(logging.LogRecord(name, logging.WARNING, "", 0, message, None, None))

    assert [line["message"] for line in as_json.lines] == [
        "Task exception was never retrieved",
        "x.py:3: UserWarning",
    ]


def test_a_thread_that_ends_by_an_exception_is_logged(
    as_json: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    logging.getLogger("ted.logs").addHandler(as_json.handler)
    log_what_would_be_printed()
    logging.captureWarnings(False)

    def fail() -> None:
        raise ValueError("the secret prompt")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    logging.getLogger("ted.logs").removeHandler(as_json.handler)

    assert as_json.lines[0]["exception"][0].startswith("ValueError at ")
    assert "secret prompt" not in as_json.text


def test_the_secrets_are_the_keys_of_settings_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")

    settings = read_settings(student_api_key="sk-of-student", teacher_api_key="test")

    assert settings.secrets == ("sk-environment", "sk-of-student")
