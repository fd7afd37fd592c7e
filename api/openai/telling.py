"""What a completion's caller is told of the experiences in it: headers, and the body's `ted` object."""

from __future__ import annotations

from api.schemas.answers import SimilarityShown, withheld
from api.schemas.cascades import CascadedShown
from ted.answer import Cascaded
from ted.completion import Json
from ted.conversing import Advised


def headers_of(advised: Advised, cascaded: Cascaded | None = None) -> dict[str, str]:
    """`X-TED-*`. Lists are in one order, separated by commas; the student alone has none of them.

    Where nothing was shown, the similarity is the best there was. `cascaded`: how a cascade came to the answer, if one
    did; the agreement is told of it alone.
    """
    if advised.source is None:
        return {}
    found = advised.retrieval
    similarities = [r.similarity.fused for r in found.shown]
    if not similarities and found.best_similarity is not None:
        similarities = [found.best_similarity]
    told = {
        "X-TED-Answer-Id": advised.answer_id,
        "X-TED-Experience-Ids": ",".join(r.experience.id for r in found.shown),
        "X-TED-Similarity": ",".join(f"{similarity:.4f}" for similarity in similarities),
        "X-TED-Tokens-Injected": str(advised.tokens_injected),
        "X-TED-Abstained": str(found.abstained).lower(),
        "X-TED-Withheld": ",".join(withheld(found, advised.trial)),
        "X-TED-Control": str(advised.trial.arm == "control").lower(),
        "X-TED-Bypassed": str(advised.trial.bypassed).lower(),
        "X-TED-Retrieval": "failed" if advised.failure else "ok",
        "X-TED-Escalated": str(is_escalated(cascaded)).lower(),
    }
    if cascaded is not None:
        told["X-TED-Agreement"] = f"{cascaded.agreement:.4f}"
    return told


def is_escalated(cascaded: Cascaded | None) -> bool:
    """Whether the teacher answered."""
    return cascaded is not None and cascaded.teacher is not None


def cost_header(cost_usd: float | None) -> dict[str, str]:
    """What the call cost, where that is known."""
    return {} if cost_usd is None else {"X-TED-Cost-USD": f"{cost_usd:.8f}"}


def told_in_body(advised: Advised, cascaded: Cascaded | None = None) -> Json | None:
    """The same for a body, with the experiences' texts; None for the student alone."""
    if advised.source is None:
        return None
    found = advised.retrieval
    return {
        "answer_id": advised.answer_id,
        "bank": advised.source.bank_id,
        "revision": found.revision,
        "experiences": [
            {
                "id": r.experience.id,
                "version": r.experience.version,
                "label": r.label,
                "when_to_use": r.experience.when_to_use,
                "content": r.experience.content,
                "similarity": SimilarityShown.of(r.similarity).model_dump(),
            }
            for r in found.shown
        ],
        "abstained": found.abstained,
        "withheld": withheld(found, advised.trial),
        "control": advised.trial.arm == "control",
        "bypassed": advised.trial.bypassed,
        "tokens_injected": advised.tokens_injected,
        "images_not_searched": found.images_not_searched,
        "retrieval": "failed" if advised.failure else "ok",
        "escalated": is_escalated(cascaded),
        "cascade": CascadedShown.of(cascaded).model_dump() if cascaded else None,
    }
