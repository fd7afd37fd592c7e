"""The examples of reasoning-gym are what their generators write: it is installed for `make soak` only."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from examples.files import write
from examples.greatest_divisors import make as greatest_divisors
from examples.knights import make as knights

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("example", [greatest_divisors, knights])
def test_the_generator_writes_the_committed_files_byte_for_byte(example: ModuleType, tmp_path: Path) -> None:
    write(tmp_path, example.samples(example.SEED))

    for name in ("train.jsonl", "eval.jsonl"):
        assert (tmp_path / name).read_bytes() == (Path(example.__file__ or "").parent / name).read_bytes()


@pytest.mark.parametrize("example", [greatest_divisors, knights])
def test_another_seed_draws_other_answers(example: ModuleType) -> None:
    assert [s["question"] for s in example.samples(8)[0]] != [s["question"] for s in example.samples(7)[0]]
