"""Samples from strangers: JSONL checked as a whole, every bad line told. Types are ted/sample_fields'."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ted.errors import BadImage, BadInput, BadSampleLine, BadSamples
from ted.grading.auto import chosen_for
from ted.grading.grade import reference_problem
from ted.images import ImageLimits, OpenImage, data_urls, from_path, is_url
from ted.sample import Exact, Grader, Image, Question, Regex, Sample
from ted.sample_fields import Auto, SampleFields, kind_of, validated
from ted.sample_sets import content_id
from ted.texts import holds_nul, shortened


def read_samples(
    path: Path, *, limits: ImageLimits, open_url: OpenImage | None = None, labelled: bool = False
) -> list[Sample]:
    """The samples of a JSONL file, in its order; images are paths in its folder, or URLs, read by `open_url`.

    All lines are checked first; `labelled`: each needs its answer. Raises BadSamples with every bad line, BadInput where
    there is no file.
    """
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise BadInput(f"samples file '{path}' cannot be read: {error}") from error
    beside = images_beside(path.parent, limits=limits, open_url=open_url)
    return samples_of_lines(data, limits=limits, open_image=beside, labelled=labelled)


def images_beside(folder: Path, *, limits: ImageLimits, open_url: OpenImage | None = None) -> OpenImage:
    """Gives the image of a path within the folder, or of a URL, or raises BadImage. Without `open_url`: of data URLs."""
    by_url = open_url or data_urls(limits)
    return lambda reference: by_url(reference) if is_url(reference) else _beside(reference, limits, folder)


def samples_of_lines(
    data: bytes, *, limits: ImageLimits, open_image: OpenImage, labelled: bool = False
) -> list[Sample]:
    """The samples of JSON lines, in their order; `open_image` gives the image of a reference, or raises BadImage.

    All lines are checked first; `labelled`: each needs its answer. Raises BadSamples with every bad line.
    """
    samples: list[Sample] = []
    errors: list[BadSampleLine] = []
    line_of_id: dict[str, int] = {}
    empty = True
    for line, raw in _lines(data):
        empty = False
        claimed = None
        try:
            obj = _parsed(raw, line=line)
            claimed = _claimed_id(obj)
            sample = parse_sample(obj, line=line, limits=limits, open_image=open_image, labelled=labelled)
            claimed = sample.id
            samples.append(sample)
        except BadSamples as bad:
            errors.extend(bad.errors)
        if claimed is not None and line_of_id.setdefault(claimed, line) != line:
            errors.append(_duplicate(line, line_of_id[claimed], claimed, given=_claimed_id(obj) is not None))
    if empty:
        errors.append(BadSampleLine(1, "", "the file holds no sample: write one JSON object a line"))
    if errors:
        raise BadSamples(tuple(errors))
    return samples


def parse_samples(
    objects: Sequence[object],
    *,
    limits: ImageLimits,
    open_url: OpenImage | None = None,
    labelled: bool = False,
) -> list[Sample]:
    """Samples from a decoded JSON list, in its order; images are URLs, read by `open_url`; without it, data URLs only.

    All are checked first; `labelled`: each needs its answer. Raises BadSamples with all that is wrong; its lines are
    the positions in the list, from 0.
    """
    samples: list[Sample] = []
    errors: list[BadSampleLine] = []
    position_of: dict[str, int] = {}
    for position, obj in enumerate(objects):
        try:
            sample = parse_sample(obj, line=position, limits=limits, open_image=open_url, labelled=labelled)
        except BadSamples as bad:
            errors.extend(bad.errors)
            continue
        samples.append(sample)
        if (first := position_of.setdefault(sample.id, position)) != position:
            given = _claimed_id(obj) is not None
            problem = "is the id of" if given else "has the question, images and answer of"
            errors.append(BadSampleLine(position, "id", f"{problem} item {first}, too: ids are unique"))
    if errors:
        raise BadSamples(tuple(errors))
    return samples


def parse_sample(
    obj: object,
    *,
    line: int,
    limits: ImageLimits,
    open_image: OpenImage | None = None,
    labelled: bool = False,
) -> Sample:
    """One sample from decoded JSON. Raises BadSamples with all that is wrong with it, on line `line`.

    `open_image` gives the image of a reference, or raises BadImage; without it, images are data URLs only. `labelled`:
    it needs its answer.
    """
    if not isinstance(obj, dict):
        raise _bad(line, "", f"a sample is a JSON object, not {kind_of(obj)}")
    surrogates = [key for key, value in obj.items() if not _encodable((key, value))]
    if surrogates:
        name = surrogates[0] if _encodable(surrogates[0]) else ""
        raise _bad(
            line, name, "holds half of a surrogate pair (\\ud800 to \\udfff alone): write the whole character"
        )
    if nul := [key for key, value in obj.items() if holds_nul((key, value))]:
        name = "" if holds_nul(nul[0]) else nul[0]
        raise _bad(line, name, "holds the character NUL (\\u0000), which no store takes: leave it out")
    fields = validated(obj, line=line)
    grader = _grader(fields)
    errors = list(_blank_fields(fields, line=line))
    if problem := _answer_problem(fields, grader, labelled=labelled):
        errors.append(BadSampleLine(line, "answer", problem))
    images: list[Image] = []
    open_image = open_image or data_urls(limits)
    for number, reference in enumerate(fields.images):
        try:
            images.append(open_image(reference))
        except BadImage as bad:
            errors.append(BadSampleLine(line, f"images[{number}]", str(bad)))
    if errors:
        raise BadSamples(tuple(errors))
    question = Question(fields.question, tuple(images))
    answer = fields.answer or ""
    identity = fields.id if fields.id is not None else content_id(question, answer=answer)
    return Sample(identity, question, answer, grader, tuple(fields.tags), unlabelled=fields.answer is None)


def _answer_problem(fields: SampleFields, grader: Grader, *, labelled: bool) -> str | None:
    """A pattern cannot be guessed from answers, so that what is graded by one needs it."""
    if fields.answer is None and labelled:
        return "is missing: write the reference that answers are graded against"
    if fields.answer is None:
        pattern = isinstance(grader, Regex)
        return "is missing: what the grader 'regex' compares with is a pattern, write it" if pattern else None
    return reference_problem(fields.answer, grader=grader) if fields.answer.strip() else None


def _grader(fields: SampleFields) -> Grader:
    """`auto` becomes one of the others here, at the door, so that everybody sees which one; without an answer, `exact`,
    which then leaves the choice to what the teacher's answer looks like."""
    match fields.grader:
        case Auto():
            return Exact() if fields.answer is None else chosen_for(fields.answer)
        case _:
            return fields.grader.value


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, under their numbers from 1, without the byte order mark."""
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if raw.strip():
            yield number, raw


def _parsed(raw: bytes, *, line: int) -> object:
    try:
        return json.loads(raw.decode(), object_pairs_hook=_once_each, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise _bad(line, "", f"is not UTF-8 at byte {error.start + 1}: save the file as UTF-8") from error
    except json.JSONDecodeError as error:
        raise _bad(line, "", f"malformed JSON at column {error.colno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:  # a field twice, NaN, an endless number, nested too deeply
        raise _bad(line, "", f"JSON that cannot be used: {shortened(str(error), length=120)}") from error


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = (
        next((name for name in names if names.count(name) > 1), None)
        if len(set(names)) < len(names)
        else None
    )
    if twice is not None:
        raise ValueError(f"the field {shortened(twice)!r} stands twice")
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _claimed_id(obj: object) -> str | None:
    """The id a line claims, if only to be told of a duplicate where the rest of the line is bad, too."""
    claimed = obj.get("id") if isinstance(obj, dict) else None
    return claimed if isinstance(claimed, str) and claimed.strip() else None


def _duplicate(line: int, first: int, identity: str, *, given: bool) -> BadSampleLine:
    if given:
        return BadSampleLine(
            line, "id", f"'{shortened(identity)}' is the id of line {first}, too: ids are unique"
        )
    return BadSampleLine(
        line, "", f"is a duplicate of line {first} (question, images and answer): remove one"
    )


def _beside(reference: str, limits: ImageLimits, base: Path) -> Image:
    try:
        folder = base.resolve()
        path = (folder / reference).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise BadImage(f"image path '{shortened(reference)}' cannot be used: {error}") from error
    if not path.is_relative_to(folder):
        raise BadImage(
            f"image path '{shortened(reference)}' leaves the folder of the samples file: move it in there"
        )
    try:
        return from_path(base / reference, limits=limits, written=reference)
    except OSError as error:
        raise BadImage(f"image path '{shortened(reference)}' cannot be used: {error}") from error


def _blank_fields(fields: SampleFields, *, line: int) -> Iterator[BadSampleLine]:
    if not fields.question.strip():
        yield BadSampleLine(line, "question", "is blank: write what is asked")
    if fields.answer is not None and not fields.answer.strip():
        yield BadSampleLine(line, "answer", "is blank: write the reference, or leave it out (unlabelled)")
    if fields.id is not None and not fields.id.strip():
        yield BadSampleLine(line, "id", "is blank: write an id, or leave it out")


def _encodable(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _bad(line: int, field: str, problem: str) -> BadSamples:
    return BadSamples((BadSampleLine(line, shortened(field), problem),))
