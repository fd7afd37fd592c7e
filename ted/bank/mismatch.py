"""Why a bank cannot be opened with the embedders of this process, and what to do about it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from ted.bank.embedding import Embedders
from ted.bank.jobs import unfinished_writer
from ted.bank.tables import BankRow
from ted.errors import StoreMismatch


def check_embedders(session: Session, bank: BankRow, here: Embedders) -> Embedders:
    """The embedders of the bank, among those that are here. Raises StoreMismatch, which names the job that mends it.

    A bank made without an image embedder stays without until it is re-embedded: half of its keys would have no vector.
    """
    fitting = Embedders(here.text, here.image if bank.image_fingerprint is not None else None)
    if fitting.are_those_of(bank):
        return fitting
    kind, made, found = "text", bank.text_fingerprint, here.text.fingerprint
    if made == found:
        kind, made, found = "image", str(bank.image_fingerprint), str(here.image_fingerprint)
    told = f"bank '{bank.name}' was made with the {kind} embedder '{made}', but this process has '{found}'"
    job = unfinished_writer(session, bank.id)
    if job is not None and job.kind == "reembedding":
        raise StoreMismatch(
            f"{told}: it is being re-embedded by job {job.id}, which is {job.status}; until that has succeeded, it "
            f"answers only where '{made}' is loaded"
        )
    raise StoreMismatch(
        f"{told}: embed it anew with `ted reembed {bank.name}` or POST /v1/banks/{bank.id}/reembeddings, or set "
        f"TED_{kind.upper()}_EMBEDDER to the bank's"
    )
