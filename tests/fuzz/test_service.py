"""Requests that a machine wrote from /openapi.json, good and bad: never a 5xx, never a response that it does not tell."""

from __future__ import annotations

import os
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.config import SchemathesisConfig

from api.app import create_app
from ted.settings import Settings
from tests.fuzz.bodies import BANK_FILES, SAMPLES, ZIPS
from tests.fuzz.conftest import Running

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))

REFUSED = ["400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422", "429"]
TOLD_LATER = ["401", "403", "404", "406", "409", "412", "413", "429"]
"""What a schema cannot tell: that a thing is not there, or has changed, or that all of it together is too large."""

UNTOLD = [
    "/v1/files",
    "/v1/banks/{bank}/import",
    "/v1/banks/{bank}/distillations",
    "/v1/banks/{bank}/compressions",
    "/v1/banks/{bank}/evaluations",
    "/v1/chat/completions",
    "/v1/jobs/{job_id}/items",
    "/v1/jobs/{job_id}/report",
]
"""Where it cannot tell what is good: lines of a file, answers that a grader takes, budgets of models without a price, turns
of a conversation, cursors of two parts, whether a job is an evaluation."""

CONFIG: dict[str, Any] = {
    "seed": 1,
    "max-stream-events": 3,
    "request-timeout": 60.0,
    "generation": {"max-examples": EXAMPLES, "deterministic": True},
    "checks": {
        "negative_data_rejection": {"expected-statuses": REFUSED},
        "positive_data_acceptance": {"expected-statuses": ["2xx", *TOLD_LATER]},
    },
    "operations": [
        {
            "include-path": UNTOLD,
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "422", *TOLD_LATER]}},
        },
        {
            "include-method": "POST",
            "include-path": "/v1/banks/{bank}/experiences",
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["2xx", "422", *TOLD_LATER]},
                "negative_data_rejection": {"expected-statuses": ["200", *REFUSED]},
            },
        },
    ],
}
"""Of many experiences each is refused by itself, and the request is answered 200; how many keys one has is a sum."""

schemathesis.openapi.media_type("application/jsonl", SAMPLES)
schemathesis.openapi.media_type("application/zip", ZIPS)
schemathesis.openapi.media_type("application/x-ndjson", BANK_FILES)
schema = schemathesis.openapi.from_dict(
    create_app(Settings(text_embedder="hashing")).openapi(), config=SchemathesisConfig.from_dict(CONFIG)
)


@schema.parametrize()
@settings(suppress_health_check=list(HealthCheck))
def test_what_comes_is_what_was_told(case: Case, running: Running) -> None:
    running.world.put_into(case)

    case.call_and_validate(base_url=running.url, session=running.session, headers=running.headers)
