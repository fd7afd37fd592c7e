"""The samples of a request, checked as a whole: sent with it, or uploaded before. What is done with them is the routes'."""

from __future__ import annotations

from typing import Any

from api.refusals import BadField, BadInlineSamples
from api.schemas.job_requests import SamplesIn, ValidationIn
from api.service import Service
from ted.errors import BadSamples
from ted.images import ImageLimits
from ted.sample import Sample
from ted.sample_archives import read_upload
from ted.sample_files import parse_samples


def samples_of(body: SamplesIn, service: Service) -> list[Sample]:
    """Raises BadField where there are none or two kinds, BadInlineSamples with all that is wrong, NotFound."""
    if body.samples is None and body.file_id is None:
        raise BadField(("body", "samples"), "is missing: send samples, or the file_id of an uploaded file")
    return _read(body.samples, body.file_id, ("samples", "file_id"), service)


def validation_of(body: ValidationIn, service: Service) -> list[Sample]:
    """None where none are sent. Raises as `samples_of`."""
    if body.validation is None and body.validation_file_id is None:
        return []
    return _read(body.validation, body.validation_file_id, ("validation", "validation_file_id"), service)


def _read(
    sent: list[Any] | None, file_id: str | None, names: tuple[str, str], service: Service
) -> list[Sample]:
    if file_id is not None:
        if sent is not None:
            raise BadField(("body", names[1]), f"stands beside {names[0]}: send one of the two")
        with service.files.copied(service.files.get(file_id)) as path:
            return read_upload(path, limits=ImageLimits(), open_url=service.ted.image_reader().read)
    try:
        read = service.ted.image_reader().read
        return parse_samples(sent or [], limits=ImageLimits(), open_url=read)
    except BadSamples as error:
        raise BadInlineSamples(error, names[0]) from error
