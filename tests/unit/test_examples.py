"""The examples' files are what their generators write, and are fit to measure with."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from math import gcd
from pathlib import Path
from types import ModuleType

import pytest

from examples.files import write
from examples.greatest_divisors import make as greatest_divisors
from examples.house_codes import make as house_codes
from examples.house_rules import make as house_rules
from examples.knights import make as knights
from examples.output_formats import make as output_formats
from ted.images import ImageLimits
from ted.sample import Exact, Sample
from ted.sample_files import read_samples
from ted.sample_sets import overlap

EXAMPLES = {
    module.__name__.split(".")[1]: module
    for module in (house_codes, house_rules, output_formats, greatest_divisors, knights)
}
DERIVED = ("house_rules", "output_formats")
"""Whose evaluation answers no training sample holds."""


def parts_of(example: ModuleType) -> tuple[list[Sample], list[Sample]]:
    folder = Path(example.__file__ or "").parent
    train, evaluation = (
        read_samples(folder / f"{name}.jsonl", limits=ImageLimits()) for name in ("train", "eval")
    )
    return train, evaluation


GYM = ("greatest_divisors", "knights")
"""Drawn by reasoning-gym, which is not installed for tests: tests/soak draws them anew."""


@pytest.fixture(params=sorted(EXAMPLES.keys() - set(GYM)))
def generated(request: pytest.FixtureRequest) -> ModuleType:
    return EXAMPLES[request.param]


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> ModuleType:
    return EXAMPLES[request.param]


def test_the_generator_writes_the_committed_files_byte_for_byte(
    generated: ModuleType, tmp_path: Path
) -> None:
    write(tmp_path, generated.samples(generated.SEED))

    for name in ("train.jsonl", "eval.jsonl"):
        assert (tmp_path / name).read_bytes() == (Path(generated.__file__ or "").parent / name).read_bytes()


def test_another_seed_draws_other_answers(generated: ModuleType) -> None:
    train, _ = parts_of(generated)

    assert {s["answer"] for s in generated.samples(8)[0]} != {s.answer for s in train}


def test_training_and_evaluation_are_disjoint(example: ModuleType) -> None:
    train, evaluation = parts_of(example)

    assert overlap(train, evaluation) == []
    texts = [s.question.text for s in train + evaluation]
    assert len(set(texts)) == len(texts)


def test_each_kind_that_is_evaluated_is_trained(example: ModuleType) -> None:
    train, evaluation = parts_of(example)

    assert {s.tags for s in evaluation} <= {s.tags for s in train}


@pytest.mark.parametrize("name", DERIVED)
def test_a_copied_answer_is_wrong_where_answers_are_to_be_derived(name: str) -> None:
    train, evaluation = parts_of(EXAMPLES[name])

    for kind in {s.tags for s in evaluation}:
        trained = {s.answer for s in train if s.tags == kind}
        assert not trained & {s.answer for s in evaluation if s.tags == kind}


def test_greatest_divisors_are_what_they_are_said_to_be() -> None:
    for part in parts_of(greatest_divisors):
        for sample in part:
            numbers = [int(n) for n in re.findall(r"\d+", sample.question.text)]
            assert len(numbers) == 2
            assert int(sample.answer) == gcd(*numbers)


def test_a_puzzles_answer_says_what_each_of_its_people_is() -> None:
    for part in parts_of(knights):
        for sample in part:
            said = re.fullmatch(r"(\w+) is an? (\w+), and (\w+) is an? (\w+)\.", sample.answer)
            assert said, sample.answer
            assert f"2 inhabitants: {said[1]}, and {said[3]}." in sample.question.text
            for sort in (said[2], said[4]):
                assert re.search(rf"who is an? {sort}\b|and who is an? {sort}\b", sample.question.text)


class TestHouseCodes:
    TRAIN, EVALUATION = parts_of(house_codes)

    def test_twelve_codes_have_two_training_and_four_evaluation_tickets_each(self) -> None:
        assert list(Counter(s.answer for s in self.TRAIN).values()) == [2] * 12
        assert list(Counter(s.answer for s in self.EVALUATION).values()) == [4] * 12
        assert {s.answer for s in self.TRAIN} == {s.answer for s in self.EVALUATION}
        assert all(s.grader == Exact() for s in self.TRAIN + self.EVALUATION)

    def test_a_topic_has_one_code_in_both_files(self) -> None:
        assert len({(s.tags, s.answer) for s in self.TRAIN + self.EVALUATION}) == 12

    def test_no_two_codes_are_nearly_alike(self) -> None:
        for a, b in combinations(sorted({s.answer for s in self.TRAIN}), 2):
            assert not set(a[:2]) & set(b[:2])
            assert sorted(a[3:]) != sorted(b[3:])

    def test_no_ticket_gives_its_code_away(self) -> None:
        samples = self.TRAIN + self.EVALUATION
        assert not [s for s in samples if s.answer.casefold() in s.question.text.casefold()]
