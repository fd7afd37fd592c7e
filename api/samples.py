"""The samples of a request, checked as a whole: sent with it, or uploaded before. What is done with them is the routes'."""

from __future__ import annotations

from typing import Any

from api.refusals import BadField, BadInlineSamples
from api.schemas.job_requests import DistillationIn, SamplesIn, ValidationIn
from api.service import Service
from ted.bank.bank import Bank
from ted.bank.from_answers import FromAnswers
from ted.errors import BadSamples
from ted.images import ImageLimits
from ted.sample import Sample
from ted.sample_archives import read_upload
from ted.sample_files import parse_samples


def samples_of(body: SamplesIn, service: Service, *, labelled: bool = False) -> list[Sample]:
    """All of them; `labelled`: each needs its answer.

    Raises BadField where there are none or two kinds, BadInlineSamples and BadSamples with all that is wrong, NotFound.
    """
    if body.samples is None and body.file_id is None:
        raise BadField(("body", "samples"), "is missing: send samples, or the file_id of an uploaded file")
    return _read(body.samples, body.file_id, ("samples", "file_id"), service, labelled=labelled)


def validation_of(body: ValidationIn, service: Service) -> list[Sample]:
    """None where none are sent; each needs its answer. Raises as `samples_of`."""
    if body.validation is None and body.validation_file_id is None:
        return []
    names = ("validation", "validation_file_id")
    return _read(body.validation, body.validation_file_id, names, service, labelled=True)


def _read(
    sent: list[Any] | None, file_id: str | None, names: tuple[str, str], service: Service, *, labelled: bool
) -> list[Sample]:
    read = service.ted.image_reader().read
    if file_id is not None:
        if sent is not None:
            raise BadField(("body", names[1]), f"stands beside {names[0]}: send one of the two")
        with service.files.copied(service.files.get(file_id)) as path:
            return read_upload(path, limits=ImageLimits(), open_url=read, labelled=labelled)
    try:
        return parse_samples(sent or [], limits=ImageLimits(), open_url=read, labelled=labelled)
    except BadSamples as error:
        raise BadInlineSamples(error, names[0]) from error


def answers_of(body: DistillationIn, bank: Bank, service: Service) -> FromAnswers | None:
    """What there is to learn from answers, where that was asked for; else None.

    Raises BadField for samples beside it, and for samples to validate with.
    """
    if body.from_feedback is None:
        return None
    if body.samples is not None or body.file_id is not None:
        raise BadField(("body", "from_feedback"), "stands beside samples: send one of the two")
    if body.validation is not None or body.validation_file_id is not None:
        raise BadField(("body", "validation"), "goes with samples only: leave it out with from_feedback")
    return service.ted.feedback.to_distil(bank.id)
