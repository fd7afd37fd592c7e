"""The example's files are what its generator writes, and are fit to measure with."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path

from examples.house_codes import make
from ted.images import ImageLimits
from ted.sample import Exact
from ted.sample_files import read_samples
from ted.sample_sets import overlap

FOLDER = Path(make.__file__).parent
TRAIN = read_samples(FOLDER / "train.jsonl", limits=ImageLimits())
EVALUATION = read_samples(FOLDER / "eval.jsonl", limits=ImageLimits())


def test_the_generator_writes_the_committed_files_byte_for_byte(tmp_path: Path) -> None:
    make.write(tmp_path)

    for name in ("train.jsonl", "eval.jsonl"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()


def test_another_seed_draws_other_codes() -> None:
    assert {s["answer"] for s in make.samples(8)[0]} != {s.answer for s in TRAIN}


def test_twelve_codes_have_two_training_and_four_evaluation_tickets_each() -> None:
    assert list(Counter(s.answer for s in TRAIN).values()) == [2] * 12
    assert list(Counter(s.answer for s in EVALUATION).values()) == [4] * 12
    assert {s.answer for s in TRAIN} == {s.answer for s in EVALUATION}
    assert all(s.grader == Exact() for s in TRAIN + EVALUATION)


def test_a_topic_has_one_code_in_both_files() -> None:
    assert len({(s.tags, s.answer) for s in TRAIN + EVALUATION}) == 12


def test_training_and_evaluation_are_disjoint() -> None:
    assert overlap(TRAIN, EVALUATION) == []
    assert len({s.question.text for s in TRAIN + EVALUATION}) == 72


def test_no_two_codes_are_nearly_alike() -> None:
    for a, b in combinations(sorted({s.answer for s in TRAIN}), 2):
        assert not set(a[:2]) & set(b[:2])
        assert sorted(a[3:]) != sorted(b[3:])


def test_no_ticket_gives_its_code_away() -> None:
    assert not [s for s in TRAIN + EVALUATION if s.answer.casefold() in s.question.text.casefold()]
