"""The one error tree of ted: a message says what, which value, and what to do.

TedError
├── BadInput                 what a user sent cannot be used (HTTP 422)
│   ├── BadSamples           a samples file with at least one bad line; carries all of them
│   ├── BadSampleLine        one line of a samples file; carries line and field
│   ├── BadBankFile          a bank's file that cannot be used; carries the line
│   ├── BadImage             unreadable, oversized, mislabelled
│   ├── Unreachable          what a URL names: not fetched from there, or not to be had
│   └── BadSetting           an option or environment variable
├── NotFound                 no such bank, experience, answer, job (404)
├── Conflict                 exists already, or the bank is being written (409)
│   └── ChangedMeanwhile     it is not what the caller last saw (412)
├── NothingToDistil          no answer of the bank waits to be learned from (409)
├── NotAllowed               the caller's key is not for this (403)
├── StoreMismatch            the store does not fit this process: embedder, dimension, schema (503)
│   └── Reembedded           the bank has other embedders than when it was opened (503)
├── StoreUnavailable         the database does not answer, or is too busy (503)
├── RetrievalFailed          experiences could not be looked for, and the service is not to go on without (503)
├── ModelFailure             a provider could not be made to answer (502)
│   ├── ModelTimeout         (504)
│   ├── ModelRateLimited     it asks for fewer calls; carries how long to wait (429)
│   └── ModelRefused         it answered with an error that a retry does not mend
│       └── ModelRefusedRequest  it says that the request itself does not suit it (400)
├── ModelFileUnavailable     a local model's file cannot be had: download, disk, checksum (503)
├── UnparsableOutput         a model's text is not what was asked for; counted, never swallowed
│   └── UnfitOutput          it parses, but a guard refuses it
├── JobStopped               somebody paused or cancelled the job that is running; it stops at a checkpoint
├── BudgetExhausted          the next call does not fit the budget; the job pauses
│   └── QuotaExhausted       that of the caller's key (429)
└── LedgerConflict           one call key, two different requests
"""

from __future__ import annotations


class TedError(Exception):
    """Root of everything ted raises on purpose."""


class BadInput(TedError):
    """What a user sent cannot be used."""


class BadSampleLine(BadInput):
    """A samples file has a line that cannot be used.

    `line` counts from 1; `field` names the JSON field (`images[1]`), empty where the line as a whole is bad.
    """

    def __init__(self, line: int, field: str, problem: str) -> None:
        where = f"line {line}, field '{field}'" if field else f"line {line}"
        super().__init__(f"{where}: {problem}")
        self.line, self.field, self.problem = line, field, problem


class BadSamples(BadInput):
    """Samples that cannot be used: every bad line, in order; the message lists the first ten and counts."""

    LISTED = 10

    def __init__(self, errors: tuple[BadSampleLine, ...]) -> None:
        lines = len({error.line for error in errors})
        listed = [f"  {error}" for error in errors[: self.LISTED]]
        if len(errors) > self.LISTED:
            listed.append(f"  ... and {len(errors) - self.LISTED} more")
        problems = "problem" if len(errors) == 1 else "problems"
        head = f"{len(errors)} {problems} on {lines} line{'' if lines == 1 else 's'}, nothing was read:"
        super().__init__("\n".join([head, *listed]))
        self.errors = errors


class BadBankFile(BadInput):
    """A bank's file cannot be used. `line` counts from 1 and is the first that is wrong."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}; nothing was imported")
        self.line, self.problem = line, problem


class BadImage(BadInput):
    """An image is unreadable, too large, of a format not allowed, or not what its label says."""


class Unreachable(BadInput):
    """What a URL names is not fetched from where it is, or cannot be had."""


class BadSetting(BadInput):
    """An option or environment variable has a value that cannot be used."""


class NotFound(TedError):
    """No such bank, experience, answer or job."""


class Conflict(TedError):
    """It exists already, or somebody else is writing it."""


class ChangedMeanwhile(Conflict):
    """What is to be changed is not what the caller last saw."""


class NothingToDistil(TedError):
    """No answer of the bank waits to be learned from."""


class NotAllowed(TedError):
    """The caller is known, but its key is not for this."""


class StoreMismatch(TedError):
    """The store was made with another embedder, dimension or schema than this process has."""


class Reembedded(StoreMismatch):
    """A bank has other embedders than it had when it was opened here."""


class StoreUnavailable(TedError):
    """The database does not answer, or is too busy; the same may work later."""


class RetrievalFailed(TedError):
    """Experiences could not be looked for, and the service is not to go on without them."""


class ModelFailure(TedError):
    """A provider could not be made to answer."""


class ModelTimeout(ModelFailure):
    """A provider did not answer in time, retries included."""


class ModelRateLimited(ModelFailure):
    """A provider asked for fewer calls, retries included. `retry_after`: seconds it asked to wait, None if it did not."""

    def __init__(self, message: str, *, retry_after: float | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelRefused(ModelFailure):
    """A provider answered with an error that a retry does not mend (unknown model, bad key, bad request)."""


class ModelRefusedRequest(ModelRefused):
    """A provider says that the request itself does not suit it: too long, a field or value it does not take."""


class ModelFileUnavailable(TedError):
    """A local model's file cannot be had: its download failed, the disk is full, or a checksum is wrong."""


class UnparsableOutput(TedError):
    """A model's text is not what was asked for. `text` is what it wrote."""

    def __init__(self, problem: str, *, text: str) -> None:
        super().__init__(problem)
        self.text = text


class UnfitOutput(UnparsableOutput):
    """A model's text has the shape that was asked for, but a guard refuses it."""


class JobStopped(TedError):
    """Somebody paused or cancelled the job that is running."""


class BudgetExhausted(TedError):
    """The worst case of the next call does not fit what is left of the budget."""


class QuotaExhausted(BudgetExhausted):
    """The worst case of the next call does not fit what is left of the budget of the caller's key."""


class LedgerConflict(TedError):
    """A call key is in the ledger already, with a different request."""
