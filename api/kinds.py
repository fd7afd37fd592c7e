"""How errors are answered: one table from error class to status and code, over both error trees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.refusals import BadField, BadFileSamples, BadInlineSamples, ModelNotFound
from index.errors import DimensionMismatch, DuplicateId, EmbedderUnavailable, IndexingError, UnreadableImage
from ted.errors import (
    BadBankFile,
    BadImage,
    BadInput,
    BadSampleLine,
    BadSamples,
    BadSetting,
    BudgetExhausted,
    ChangedMeanwhile,
    Conflict,
    JobStopped,
    LedgerConflict,
    ModelFailure,
    ModelFileUnavailable,
    ModelRateLimited,
    ModelRefused,
    ModelRefusedRequest,
    ModelTimeout,
    NotAllowed,
    NotFound,
    NothingToDistil,
    QuotaExhausted,
    Reembedded,
    RetrievalFailed,
    StoreMismatch,
    StoreUnavailable,
    TedError,
    UnfitOutput,
    UnparsableOutput,
    Unreachable,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """How a class of errors is answered."""

    status: int
    code: str


TABLE: Mapping[type[Exception], Kind] = {
    BadInput: Kind(422, "invalid_input"),
    BadSamples: Kind(422, "invalid_samples"),
    BadInlineSamples: Kind(422, "invalid_samples"),
    BadFileSamples: Kind(422, "invalid_samples"),
    BadSampleLine: Kind(422, "invalid_samples"),
    BadBankFile: Kind(422, "invalid_bank_file"),
    BadImage: Kind(422, "invalid_image"),
    Unreachable: Kind(422, "invalid_input"),
    BadSetting: Kind(422, "invalid_setting"),
    BadField: Kind(422, "invalid_field"),
    NotAllowed: Kind(403, "not_allowed"),
    NotFound: Kind(404, "not_found"),
    ModelNotFound: Kind(404, "model_not_found"),
    Conflict: Kind(409, "conflict"),
    NothingToDistil: Kind(409, "nothing_to_distil"),
    ChangedMeanwhile: Kind(412, "changed_meanwhile"),
    StoreMismatch: Kind(503, "store_mismatch"),
    StoreUnavailable: Kind(503, "store_unavailable"),
    Reembedded: Kind(503, "store_mismatch"),
    RetrievalFailed: Kind(503, "retrieval_failed"),
    ModelFailure: Kind(502, "provider_failed"),
    ModelRefused: Kind(502, "provider_refused"),
    ModelRefusedRequest: Kind(400, "provider_refused_request"),
    ModelRateLimited: Kind(429, "provider_rate_limited"),
    ModelTimeout: Kind(504, "provider_timed_out"),
    ModelFileUnavailable: Kind(503, "model_file_unavailable"),
    UnparsableOutput: Kind(502, "provider_output_unusable"),
    UnfitOutput: Kind(502, "provider_output_unusable"),
    QuotaExhausted: Kind(429, "insufficient_quota"),
    BudgetExhausted: Kind(409, "budget_exhausted"),
    LedgerConflict: Kind(409, "ledger_conflict"),
    TedError: Kind(500, "internal_error"),
    UnreadableImage: Kind(422, "invalid_image"),
    EmbedderUnavailable: Kind(503, "embedder_unavailable"),
    JobStopped: Kind(409, "conflict"),
    DimensionMismatch: Kind(503, "store_mismatch"),
    DuplicateId: Kind(500, "internal_error"),
    IndexingError: Kind(500, "internal_error"),
}


def kind_of(error: Exception) -> Kind:
    """The entry of the error's class, or of the nearest class above it."""
    return next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)
