"""Thirty kills of a server in the midst of one distillation, on either store: minutes, so `make soak`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.blanks import Blank
from tests.http_killing import Aim
from tests.http_soak import check_that_kills_change_nothing

SEED = 2027
LATER: tuple[Aim, ...] = ("start-up",) * 10 + ("work",) * 19


@pytest.mark.soak
@pytest.mark.each_store
@pytest.mark.timeout(1800)
def test_a_server_killed_thirty_times_ends_the_job_as_if_it_never_was(blank: Blank, tmp_path: Path) -> None:
    aims = random.Random(SEED).sample(LATER, len(LATER))
    check_that_kills_change_nothing(
        tmp_path, blank.settings, ("work", *aims), samples=40, epochs=2, slowest=0.6, seed=SEED
    )
