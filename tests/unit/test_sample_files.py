"""A samples file is read as a whole, or every bad line of it is told."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as pillow

from ted.errors import BadInput, BadSamples
from ted.images import ImageLimits
from ted.sample import Choice, Exact, Grader, Json, Judge, Numeric, Regex, Sample
from ted.sample_files import images_beside, parse_sample, parse_samples, read_samples
from ted.sample_sets import overlap, samples_digest
from ted.texts import normalised

LIMITS = ImageLimits()
GOOD: dict[str, Any] = {"question": "Capital of France?", "answer": "Paris"}


def png(colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    pillow.new("RGB", (4, 4), colour).save(buffer, format="PNG")
    return buffer.getvalue()


def file_of(folder: Path, *lines: object) -> Path:
    path = folder / "samples.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def read(folder: Path, *lines: object) -> list[Sample]:
    return read_samples(file_of(folder, *lines), limits=LIMITS)


def problems(folder: Path, *lines: object) -> list[tuple[int, str, str]]:
    with pytest.raises(BadSamples) as refused:
        read(folder, *lines)
    return [(error.line, error.field, error.problem) for error in refused.value.errors]


def test_a_sample_has_what_its_line_says(tmp_path: Path) -> None:
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes" / "a.png").write_bytes(png())
    url = "data:image/png;base64," + base64.b64encode(png("blue")).decode()
    line = {"id": "q1", "question": "How many?", "answer": "3", "grader": "numeric", "tags": ["count"]}

    (sample,) = read(tmp_path, line | {"images": ["shapes/a.png", url]})

    assert (sample.id, sample.question.text, sample.answer, sample.tags) == (
        "q1",
        "How many?",
        "3",
        ("count",),
    )
    assert [image.data for image in sample.question.images] == [png(), png("blue")]
    assert sample.grader == Numeric()


@pytest.mark.parametrize(
    ("spec", "answer", "grader"),
    [
        ("exact", "Paris", Exact()),
        ("numeric", "1,000 km", Numeric()),
        ({"kind": "numeric", "tolerance": 0.5}, "10", Numeric(tolerance=0.5)),
        ({"kind": "numeric", "tolerance": 0}, "10", Numeric(tolerance=0)),
        ("choice", "B) Paris", Choice()),
        ({"kind": "regex"}, "pa+ris", Regex()),
        ("json", '{"a": 1}', Json()),
    ],
)
def test_a_grader_is_a_name_or_an_object(tmp_path: Path, spec: object, answer: str, grader: Grader) -> None:
    (sample,) = read(tmp_path, GOOD | {"answer": answer, "grader": spec})

    assert sample.grader == grader


@pytest.mark.parametrize(
    ("line", "field", "problem"),
    [
        ('{"question": "x", "answer" 1}', "", "malformed JSON at column 28"),
        ('{"question": "x"', "", "malformed JSON at column 17"),
        ("[1, 2]", "", "a sample is a JSON object, not a list"),
        ("null", "", "not null"),
        ('{"question": "a", "question": "b", "answer": "c"}', "", "the field 'question' stands twice"),
        ('{"question": NaN, "answer": "c"}', "", "NaN is not JSON"),
        ("[" * 100_000, "", "JSON that cannot be used"),
        ('{"question": "\\ud800", "answer": "c"}', "question", "surrogate"),
        ('{"\\ud800": "x", "question": "b", "answer": "c"}', "", "surrogate"),
        ({"answer": "Paris"}, "question", "is missing"),
        (GOOD | {"question": " \n"}, "question", "is blank"),
        (GOOD | {"question": ["x"]}, "question", "must be a string, not a list"),
        ({"question": "x", "grader": "regex"}, "answer", "is a pattern, write it"),
        (GOOD | {"answer": " "}, "answer", "is blank: write the reference, or leave it out (unlabelled)"),
        (GOOD | {"answer": 42}, "answer", "must be a string, not the number 42"),
        (GOOD | {"images": "a.png"}, "images", "must be a list of strings, not the string 'a.png'"),
        (GOOD | {"images": ["data:,", 3]}, "images[1]", "must be a string, not the number 3"),
        (GOOD | {"tags": [True]}, "tags[0]", "must be a string, not true"),
        (GOOD | {"id": 7}, "id", "must be a string, not the number 7"),
        (GOOD | {"id": ""}, "id", "is blank"),
        (GOOD | {"awnser": "x"}, "awnser", "allowed are question, answer, images, grader, id, tags"),
        (GOOD | {"exact": "x"}, "exact", "allowed are question"),
        (GOOD | {"grader": "fuzzy"}, "grader", "'fuzzy': known are exact, numeric, choice, regex, json"),
        (GOOD | {"grader": 5}, "grader", "write a name"),
        (GOOD | {"grader": {"tolerance": 1}}, "grader", "an object with 'kind'"),
        (
            GOOD | {"grader": {"kind": "exact", "tolerance": 1}},
            "grader.tolerance",
            "no option of this grader",
        ),
        (
            GOOD | {"grader": {"kind": "numeric", "tolerance": -1}},
            "grader.tolerance",
            "0 or more, not the number -1",
        ),
        (GOOD | {"grader": {"kind": "numeric", "tolerance": "1"}}, "grader.tolerance", "valid number"),
        (GOOD | {"grader": {"kind": "numeric", "tolerance": True}}, "grader.tolerance", "valid number"),
        (GOOD | {"grader": "numeric"}, "answer", "'Paris' is not one number"),
        (GOOD | {"grader": "numeric", "answer": "3,14"}, "answer", "'3,14' is not one number"),
        (GOOD | {"grader": "choice"}, "answer", "'Paris' names no option"),
        (GOOD | {"grader": "regex", "answer": "(a"}, "answer", "does not compile"),
        (GOOD | {"grader": "json"}, "answer", "'Paris' does not parse as JSON"),
        (GOOD | {"images": ["none.png"]}, "images[0]", "image 'none.png' is not there"),
        (GOOD | {"images": ["../a.png"]}, "images[0]", "leaves the folder"),
        (GOOD | {"images": ["/etc/hostname"]}, "images[0]", "leaves the folder"),
        (GOOD | {"images": ["a\0b.png"]}, "images", "holds the character NUL"),
        (GOOD | {"images": ["http://192.0.2.1/a.png"]}, "images[0]", "no data URL"),
        (GOOD | {"images": ["data:image/png;base64,AAAA"]}, "images[0]", "no image of a known format"),
    ],
)
def test_a_bad_line_is_told_with_its_field(tmp_path: Path, line: object, field: str, problem: str) -> None:
    told = problems(tmp_path, GOOD, line)

    assert [(number, name) for number, name, _ in told] == [(2, field)]
    assert problem in told[0][2]


def test_every_bad_line_is_told_and_every_fault_of_a_line(tmp_path: Path) -> None:
    told = problems(
        tmp_path, {"question": 1, "answer": 2}, GOOD, "{", GOOD | {"question": "", "images": ["x.png"]}
    )

    assert [(line, field) for line, field, _ in told] == [
        (1, "question"), (1, "answer"), (3, ""), (4, "question"), (4, "images[0]"),
    ]  # fmt: skip


def test_the_message_lists_ten_and_the_count(tmp_path: Path) -> None:
    with pytest.raises(BadSamples) as refused:
        read(tmp_path, *["{"] * 25)

    message = str(refused.value)
    assert message.startswith("25 problems on 25 lines, nothing was read:")
    assert message.count("malformed JSON") == 10
    assert message.endswith("... and 15 more")


def test_blank_lines_are_skipped_but_counted(tmp_path: Path) -> None:
    assert len(read(tmp_path, "", GOOD, "  \t", "")) == 1
    assert problems(tmp_path, "", GOOD, "\r", "{")[0][0] == 4


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\r\n")

    assert read_samples(path, limits=LIMITS)[0].answer == "Paris"


def test_a_line_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b'\n{"question": "\xff"}')

    with pytest.raises(BadSamples, match="line 2: is not UTF-8 at byte 15"):
        read_samples(path, limits=LIMITS)


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_file_is_an_error(tmp_path: Path, content: str) -> None:
    assert "holds no sample" in problems(tmp_path, content)[0][2]


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.jsonl' cannot be read"):
        read_samples(tmp_path / "none.jsonl", limits=LIMITS)


def test_an_id_that_stands_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    told = problems(tmp_path, GOOD | {"id": "a"}, "", {"question": "", "answer": "x", "id": "a"})

    assert [(line, field) for line, field, _ in told] == [(3, "question"), (3, "id")]
    assert "'a' is the id of line 1, too" in told[1][2]


def test_the_same_sample_twice_is_told_as_a_duplicate(tmp_path: Path) -> None:
    told = problems(
        tmp_path, GOOD, {"question": "Another?", "answer": "x"}, GOOD | {"question": "capital  of FRANCE?"}
    )

    assert told == [(3, "", "is a duplicate of line 1 (question, images and answer): remove one")]


def test_a_default_id_is_of_the_content_and_not_of_the_place(tmp_path: Path) -> None:
    other = {"question": "Capital of Spain?", "answer": "Madrid"}

    forwards, backwards = read(tmp_path, GOOD, other), read(tmp_path, other, GOOD)

    assert {s.id for s in forwards} == {s.id for s in backwards}
    assert all(s.id.startswith("s-") and len(s.id) == 14 for s in forwards)


def test_over_the_api_an_image_is_a_data_url_never_a_path() -> None:
    with pytest.raises(BadSamples, match=r"line 3, field 'images\[0\]'.*no data URL"):
        parse_sample(GOOD | {"images": ["pyproject.toml"]}, line=3, limits=LIMITS)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.png").write_bytes(png())
    (inside / "link.png").symlink_to(tmp_path / "secret.png")

    assert "leaves the folder" in problems(inside, GOOD | {"images": ["link.png"]})[0][2]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_never_another_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_bytes(data)

    with pytest.raises(BadSamples):
        read_samples(path, limits=LIMITS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "question": st.just("x") | st.text(st.characters()) | JSON,
        "answer": st.just("(B)") | st.text(st.characters()) | JSON,
        "images": JSON | st.lists(st.text(st.characters()), max_size=2),
        "grader": JSON | st.sampled_from(["exact", "numeric", "choice", "regex", "json"])
        | st.fixed_dictionaries({"kind": st.sampled_from(["exact", "numeric"]), "tolerance": JSON}),
        "id": JSON,
        "tags": JSON,
        "other": JSON,
    },
)  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON | FIELDS)
def test_arbitrary_json_is_a_sample_or_bad_samples(tmp_path: Path, obj: object) -> None:
    try:
        beside = images_beside(tmp_path, limits=LIMITS)
        told = [parse_sample(obj, line=1, limits=LIMITS, open_image=beside).id]
    except BadSamples as bad:
        told = [str(error) for error in bad.errors]

    assert told
    assert all(message.encode() for message in told)


def test_the_digest_is_of_content_and_order(tmp_path: Path) -> None:
    other = {"question": "Capital of Spain?", "answer": "Madrid"}
    samples = read(tmp_path, GOOD, other)

    assert samples_digest(samples) == samples_digest(read(tmp_path, GOOD, "", other))
    assert samples_digest(samples) != samples_digest(samples[::-1])
    assert samples_digest(samples) != samples_digest(read(tmp_path, GOOD, other | {"grader": "regex"}))


def test_overlap_pairs_the_questions_that_are_one_after_normalisation(tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(png("red"))
    (tmp_path / "blue.png").write_bytes(png("blue"))
    train = read(tmp_path, GOOD, {"question": "Colour?", "answer": "red", "images": ["red.png"]})

    evaluation = read(
        tmp_path,
        {"question": "\uff23APITAL of\u00a0france?", "answer": "Lyon"},
        {"question": "colour?", "answer": "blue", "images": ["blue.png"]},
        {"question": "colour? ", "answer": "rot", "images": ["red.png"]},
    )

    assert overlap(train, evaluation) == [(train[0], evaluation[0]), (train[1], evaluation[2])]


@given(st.text())
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


def test_a_list_of_samples_is_checked_as_a_whole_by_position() -> None:
    sent = [
        GOOD,
        {"question": "?", "answer": ""},
        {**GOOD, "id": "b", "images": ["a.png"]},
        {**GOOD, "id": "c"},
        GOOD,
    ]

    with pytest.raises(BadSamples) as bad:
        parse_samples([*sent, {**GOOD, "id": "c"}], limits=LIMITS)

    told = [(e.line, e.field) for e in bad.value.errors]
    assert told == [(1, "answer"), (2, "images[0]"), (4, "id"), (5, "id")]
    assert "answer of item 0, too" in bad.value.errors[2].problem
    assert "id of item 3, too" in bad.value.errors[3].problem


@pytest.mark.parametrize("nothing", [{}, {"answer": None}])
@pytest.mark.parametrize(("grader", "kept"), [("auto", Exact()), ("exact", Exact()), ("judge", Judge())])
def test_a_sample_without_an_answer_is_unlabelled(
    nothing: dict[str, object], grader: str, kept: Grader
) -> None:
    (sample,) = parse_samples([{"question": "How many?", "grader": grader, **nothing}], limits=LIMITS)

    assert (sample.unlabelled, sample.answer, sample.grader) == (True, "", kept)


def test_where_samples_must_be_labelled_one_without_an_answer_is_told(tmp_path: Path) -> None:
    path = tmp_path / "eval.jsonl"
    path.write_text(json.dumps(GOOD) + '\n{"question": "How many?"}\n')

    with pytest.raises(BadSamples) as bad:
        read_samples(path, limits=LIMITS, labelled=True)

    assert [(e.line, e.field) for e in bad.value.errors] == [(2, "answer")]
    assert len(read_samples(path, limits=LIMITS)) == 2


def test_a_good_list_of_samples_keeps_its_order() -> None:
    samples = parse_samples([{**GOOD, "id": "b"}, {**GOOD, "id": "a"}], limits=LIMITS)

    assert [sample.id for sample in samples] == ["b", "a"]
