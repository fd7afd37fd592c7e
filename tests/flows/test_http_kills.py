"""A distillation through the HTTP API whose server is killed and begun again, on either store; CI's length."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.blanks import Blank
from tests.http_soak import check_that_kills_change_nothing

pytestmark = pytest.mark.each_store


def test_a_server_killed_four_times_ends_the_job_as_if_it_never_was(blank: Blank, tmp_path: Path) -> None:
    check_that_kills_change_nothing(
        tmp_path,
        blank.settings,
        ("work", "work", "start-up", "work"),
        samples=10,
        epochs=1,
        slowest=0.5,
        seed=11,
    )
