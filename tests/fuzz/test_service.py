"""Requests that a machine wrote from /openapi.json, good and bad: never a 5xx, never a response that it does not tell."""

from __future__ import annotations

import os

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.config import SchemathesisConfig

from api.app import create_app
from ted.settings import Settings
from tests.fuzz.conftest import Running

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))

config = SchemathesisConfig.from_dict({"seed": 1, "max-stream-events": 3, "generation": {"max-examples": EXAMPLES, "deterministic": True, "no-shrink": True}})
schema = schemathesis.openapi.from_dict(create_app(Settings(text_embedder="hashing")).openapi(), config=config)


@schema.parametrize()
@settings(suppress_health_check=list(HealthCheck))
def test_what_comes_is_what_was_told(case: Case, running: Running) -> None:
    running.world.put_into(case)

    case.call_and_validate(base_url=running.url, session=running.session)
