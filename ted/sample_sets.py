"""Samples compared: ids from content, digests, overlap. Reading them from files is ted/sample_files."""

from __future__ import annotations

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace

from ted.sample import Question, Sample
from ted.texts import normalised


def content_id(question: Question, *, answer: str) -> str:
    """`s-` and twelve hex digits of question, images and answer, wherever the sample stands in a file."""
    return f"s-{_sha256([normalised(question.text), _hashes(question), answer])[:12]}"


def samples_digest(samples: Sequence[Sample]) -> str:
    """sha256 hex digest over everything in the samples, in order."""
    return _sha256(
        [
            [
                s.id,
                s.question.text,
                _hashes(s.question),
                s.answer,
                [type(s.grader).__name__, asdict(s.grader)],
                s.tags,
                *(["unlabelled"] if s.unlabelled else []),
            ]
            for s in samples
        ]
    )


def overlap(train: Sequence[Sample], evaluation: Sequence[Sample]) -> list[tuple[Sample, Sample]]:
    """Pairs (training, evaluation) that ask the same: one text after normalisation, the same images.

    The order of images does not matter. Pairs come in the order of `evaluation`, then of `train`.
    """
    asked: dict[tuple[str, tuple[str, ...]], list[Sample]] = defaultdict(list)
    for sample in train:
        asked[_asked(sample)].append(sample)
    return [(known, sample) for sample in evaluation for known in asked.get(_asked(sample), ())]


def with_shuffled_answers(samples: Sequence[Sample], *, seed: int) -> list[Sample]:
    """The samples with their reference answers dealt out anew: a control, since nothing true can be learned from them."""
    answers = [sample.answer for sample in samples]
    random.Random(seed).shuffle(answers)
    return [replace(sample, answer=answer) for sample, answer in zip(samples, answers, strict=True)]


def _asked(sample: Sample) -> tuple[str, tuple[str, ...]]:
    return normalised(sample.question.text), tuple(sorted(_hashes(sample.question)))


def _hashes(question: Question) -> list[str]:
    return [image.sha256 for image in question.images]


def _sha256(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
