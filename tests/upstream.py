"""A provider in OpenAI's HTTP shape, as a process of its own, with scripted answers, failures and a log.

By hand: `python -m tests.upstream --port 0 --log FILE`; in tests: `running_upstream`. It has no model.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import random
import re
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Body = dict[str, Any]
# The answer: a text, or a dict with any of `text`, `usage` (None: leave it out), `status`, `error`; further `texts`
# (one a choice, where `n` is more than 1), `tool_calls` (as in a message), and of a stream `pause` (seconds before
# each chunk), `breaks_after` (chunks: then the connection is closed) and `stalls_after` (chunks: then nothing comes).
Script = Callable[[Body], str | Body]

IMAGE_TOKENS = 85
HANG_UP = "drop"  # among failures: close the connection without an answer


def last_text(body: Body) -> str:
    """The text of the last message, its images left out."""
    content = body["messages"][-1].get("content")
    if content is None or isinstance(content, str):
        return content or ""
    return " ".join(part.get("text") or "" for part in content).strip()


def _no_schemas(body: Body) -> str | Body:
    if "response_format" in body:
        return {"status": 400, "error": "response_format of type json_schema is not supported by this model"}
    return last_text(body)


SCRIPTS: dict[str, Script] = {
    "echo": last_text,
    "empty": lambda body: "",
    "json": lambda body: json.dumps({"answer": last_text(body)}),
    "schema-or-text": lambda body: (
        json.dumps({"answer": last_text(body)}) if "response_format" in body else last_text(body)
    ),
    "no-schemas": _no_schemas,
    "no-usage": lambda body: {"text": last_text(body), "usage": None},
    "bad-request": lambda body: {"status": 400, "error": "the messages are not to my liking"},
}


def script_named(name: str) -> Script:
    """A script of the registry, or one by its address `package.module:function`."""
    if name in SCRIPTS:
        return SCRIPTS[name]
    module, _, function = name.partition(":")
    script: Script = getattr(importlib.import_module(module), function)
    return script


class _Provider(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(("127.0.0.1", options.port), _Handler)
        self.script = script_named(options.script)
        self.latency: tuple[float, float] = tuple(options.latency)
        self.failures: list[str] = [failure for failure in options.failures.split(",") if failure]
        self.retry_after: str | None = options.retry_after
        self._random, self._lock, self.in_flight = random.Random(options.seed), threading.Lock(), 0
        self._log = Path(options.log).open("a", buffering=1) if options.log else None  # noqa: SIM115 - as long as we

    def log(self, event: str, **fields: Any) -> None:
        with self._lock:
            self.in_flight += {"received": 1, "replied": -1}[event]
            if self._log:
                line = {"event": event, "time": time.time(), "in_flight": self.in_flight, **fields}
                self._log.write(json.dumps(line) + "\n")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is gone is no news; anything else is told."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def next_failure(self) -> str | None:
        with self._lock:
            return self.failures.pop(0) if self.failures else None

    def next_latency(self) -> float:
        with self._lock:
            return self._random.uniform(*self.latency)


class _Handler(BaseHTTPRequestHandler):
    server: _Provider
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path.rstrip("/").endswith("/models"):
            self._send(200, {"object": "list", "data": [{"id": "upstream", "object": "model"}]})
        else:
            self._send(404, {"error": {"message": f"nothing at {self.path}"}})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.loads(raw)
        call_key = self.headers.get("X-Client-Request-Id")
        self.server.log("received", call_key=call_key, status=None, path=self.path, body=body)
        status: int | str = "gone"  # logged where the client did not wait for the answer
        try:
            time.sleep(self.server.next_latency())
            status = self._answer(body)
        except OSError:
            self.close_connection = True
        finally:
            self.server.log("replied", call_key=call_key, status=status)

    def _answer(self, body: Body) -> int | str:
        failure = self.server.next_failure()
        if failure == HANG_UP:
            self.close_connection = True
            return HANG_UP
        if not self.path.endswith("/chat/completions"):
            return self._error(404, f"nothing at {self.path}")
        if failure is not None:
            key = self.headers.get("Authorization", "")
            return self._error(int(failure), f"failing as told with {failure}; your key is '{key}'")
        answer = self.server.script(body)
        self._check_client()
        reply: Body = {"text": answer} if isinstance(answer, str) else answer
        if "status" in reply:
            return self._error(reply["status"], reply.get("error", "scripted"))
        if body.get("stream"):
            return self._stream(chunks_of(body, reply), reply)
        return self._send(200, _completion(body, reply))

    def _stream(self, chunks: list[Body], reply: Body) -> int | str:
        """The chunks as server-sent events; what a script says of pauses and breaks is done."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for number, chunk in enumerate(chunks):
            time.sleep(reply.get("pause", 0.0))
            self._check_client()
            if number == reply.get("breaks_after"):
                return HANG_UP
            while number == reply.get("stalls_after"):
                time.sleep(0.05)
                self._check_client()
            self._event(json.dumps(chunk))
        self._event("[DONE]")
        return 200

    def _event(self, data: str) -> None:
        self.wfile.write(f"data: {data}\n\n".encode())
        self.wfile.flush()

    def _check_client(self) -> None:
        """Raises where the client has closed the connection."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        if readable and not self.connection.recv(1, socket.MSG_PEEK):
            raise ConnectionResetError("the client is gone")

    def _error(self, status: int, message: str) -> int:
        return self._send(status, {"error": {"message": message, "type": "scripted", "code": str(status)}})

    def _send(self, status: int, payload: Body) -> int:
        data = json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status in (429, 503) and self.server.retry_after is not None:
            self.send_header("Retry-After", self.server.retry_after)
        self.end_headers()
        self.wfile.write(data)
        return status

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the log file says it all."""


def _completion(body: Body, reply: Body) -> Body:
    messages = _messages(body, reply)
    completion: Body = {
        **_head(body, reply, "chat.completion"),
        "choices": [
            {"index": n, "message": message, "finish_reason": _finish(message)}
            for n, message in enumerate(messages)
        ],
    }
    usage = reply.get("usage", usage_of(body, _whole(messages)))
    return completion if usage is None else {**completion, "usage": usage}


def chunks_of(body: Body, reply: Body) -> list[Body]:
    """The same as a stream: role, words and tool calls of each choice in turn, their ends, and the usage if asked for."""
    messages = _messages(body, reply)
    pieces: list[tuple[int, Body, str | None]] = []
    for n, message in enumerate(messages):
        pieces.append((n, {"role": "assistant", "content": ""}, None))
        pieces += [(n, {"content": word}, None) for word in re.findall(r"\S+\s*", message["content"] or "")]
        for index, call in enumerate(message.get("tool_calls", [])):
            arguments = call["function"]["arguments"]
            first = {**call, "index": index, "function": {**call["function"], "arguments": ""}}
            halves = arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]
            rest = [{"index": index, "function": {"arguments": half}} for half in halves]
            pieces += [(n, {"tool_calls": [piece]}, None) for piece in (first, *rest)]
    pieces += [(n, {}, _finish(message)) for n, message in enumerate(messages)]
    head = _head(body, reply, "chat.completion.chunk")
    chunks = [
        {**head, "choices": [{"index": n, "delta": delta, "finish_reason": end}]} for n, delta, end in pieces
    ]
    usage = reply.get("usage", usage_of(body, _whole(messages)))
    if (body.get("stream_options") or {}).get("include_usage") and usage is not None:
        chunks.append({**head, "choices": [], "usage": usage})
    return chunks


def _head(body: Body, reply: Body, kind: str) -> Body:
    digest = hashlib.sha256(json.dumps([body, reply.get("text", "")], sort_keys=True).encode()).hexdigest()
    return {
        "id": f"chatcmpl-{digest[:24]}",
        "object": kind,
        "created": 1_700_000_000,
        "model": body.get("model", "upstream"),
    }


def _messages(body: Body, reply: Body) -> list[Body]:
    texts = reply.get("texts") or [reply.get("text", "")] * (body.get("n") or 1)
    calls: Body = {"tool_calls": reply["tool_calls"]} if "tool_calls" in reply else {}
    return [{"role": "assistant", "content": None if calls and not text else text, **calls} for text in texts]


def _finish(message: Body) -> str:
    return "tool_calls" if "tool_calls" in message else "stop"


def _whole(messages: list[Body]) -> str:
    return " ".join(message["content"] or "" for message in messages)


def usage_of(body: Body, text: str) -> Body:
    """Tokens: words, and IMAGE_TOKENS for each image."""
    prompt = 0
    for message in body["messages"]:
        content = message.get("content") or ""
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        prompt += sum(len(p["text"].split()) if p["type"] == "text" else IMAGE_TOKENS for p in parts)
    completion = len(text.split())
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


@dataclass(frozen=True, slots=True)
class Upstream:
    """A running upstream, as a test sees it."""

    api_base: str
    log: Path
    process: subprocess.Popen[str]

    def events(self, event: str) -> list[Body]:
        """Log lines, oldest first: `received` has the body, `replied` the status, both the call key.

        The last one may be half written yet: it counts once it is whole.
        """
        lines = self.log.read_text().splitlines(keepends=True) if self.log.exists() else []
        whole = (json.loads(line) for line in lines if line.endswith("\n"))
        return [line for line in whole if line["event"] == event]

    @property
    def bodies(self) -> list[Body]:
        return [line["body"] for line in self.events("received")]

    @property
    def call_keys(self) -> list[str | None]:
        return [line["call_key"] for line in self.events("received")]

    @property
    def max_in_flight(self) -> int:
        return max((line["in_flight"] for line in self.events("received")), default=0)


@contextmanager
def running_upstream(
    script: str = "echo",
    *,
    log: Path | None = None,
    latency: tuple[float, float] = (0.0, 0.0),
    failures: Sequence[int | str] = (),
    retry_after: str | None = None,
    port: int = 0,
    seed: int = 0,
) -> Iterator[Upstream]:
    """A process that answers on loopback until the block ends (or this process does).

    The first requests get `failures`, one each, in order: statuses or HANG_UP; the others an answer.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = log or Path(folder) / "upstream.jsonl"
        command = [sys.executable, "-m", "tests.upstream", "--until-stdin-closes"]
        command += ["--port", str(port), "--log", str(log), "--script", script, "--seed", str(seed)]
        command += ["--latency", *map(str, latency), "--failures", ",".join(map(str, failures))]
        command += ["--retry-after", retry_after] if retry_after is not None else []
        root = Path(__file__).parents[1]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, cwd=root, stdin=pipe, stdout=pipe, text=True)
        try:
            assert process.stdout is not None
            announced = process.stdout.readline().strip()
            assert announced.isdigit(), f"the upstream did not start: `{' '.join(command)}`"
            yield Upstream(f"http://127.0.0.1:{announced}/v1", log, process)
        finally:
            process.kill()
            process.communicate()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.upstream", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=0, help="0: any free port; the port is printed")
    add("--log", help="JSONL, appended: a line when a request is received and one when it is answered")
    add("--script", default="echo", help=f"package.module:function or one of {', '.join(SCRIPTS)}")
    add("--latency", type=float, nargs=2, default=(0.0, 0.0), metavar=("MIN", "MAX"), help="seconds")
    add("--failures", default="", help="statuses of the first requests, or 'drop': 429,500,drop")
    add("--retry-after", help="this header on 429 and 503")
    add("--seed", type=int, default=0, help="of the latencies")
    add("--until-stdin-closes", action="store_true", help="end with the process that started this")
    return parser


def _end_with_stdin(server: _Provider) -> None:
    sys.stdin.read()
    server.shutdown()


def main() -> None:
    """Announce the port on stdout, then serve."""
    options = _parser().parse_args()
    server = _Provider(options)
    print(server.server_address[1], flush=True)
    if options.until_stdin_closes:
        threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
    with suppress(KeyboardInterrupt):
        server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
