"""The samples of a request, checked as a whole. What is done with them is the routes' affair."""

from __future__ import annotations

from api.problems import BadInlineSamples
from api.schemas.jobs import SamplesIn
from ted.errors import BadSamples
from ted.images import ImageLimits
from ted.sample import Sample
from ted.sample_files import parse_samples


def samples_of(body: SamplesIn) -> list[Sample]:
    """Those sent with the request. Raises BadInlineSamples with all that is wrong."""
    try:
        return parse_samples(body.samples, limits=ImageLimits())
    except BadSamples as error:
        raise BadInlineSamples(error) from error
