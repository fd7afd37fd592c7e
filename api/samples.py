"""The samples of a request, checked as a whole: sent with it, or uploaded before. What is done with them is the routes'."""

from __future__ import annotations

from api.refusals import BadField, BadInlineSamples
from api.schemas.job_requests import DistillationIn, SamplesIn
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
    if body.file_id is not None:
        if body.samples is not None:
            raise BadField(("body", "file_id"), "stands beside samples: send one of the two")
        with service.files.copied(service.files.get(body.file_id)) as path:
            read = service.ted.image_reader().read
            return read_upload(path, limits=ImageLimits(), open_url=read, labelled=labelled)
    try:
        read = service.ted.image_reader().read
        return parse_samples(body.samples or [], limits=ImageLimits(), open_url=read, labelled=labelled)
    except BadSamples as error:
        raise BadInlineSamples(error) from error


def answers_of(body: DistillationIn, bank: Bank, service: Service) -> FromAnswers | None:
    """What there is to learn from answers, where that was asked for; else None. Raises BadField for samples beside it."""
    if body.from_feedback is None:
        return None
    if body.samples is not None or body.file_id is not None:
        raise BadField(("body", "from_feedback"), "stands beside samples: send one of the two")
    return service.ted.feedback.to_distil(bank.id)
