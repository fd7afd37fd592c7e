"""One writing job a bank at a time, by a lock that a killed process cannot leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ted.bank.stored import StoredBank
from ted.errors import Conflict


@contextmanager
def sole_writer(bank: StoredBank) -> Iterator[None]:
    """Within the block no other job writes the bank, in this process or another of the same database.

    The lock is freed however its holder ends. Raises Conflict at once where somebody else holds it.
    """
    told = (
        f"bank '{bank.record.name}' is being written by another job that runs at this moment: let it end, or stop "
        "it, and give the same command again"
    )
    with _held(bank, bank.id, told):
        yield


@contextmanager
def sole_runner(bank: StoredBank, job_id: str) -> Iterator[None]:
    """The same for a job that writes no bank: it is run once at a time."""
    with _held(bank, job_id, f"job {job_id} is being run by another process: let it end, or cancel it"):
        yield


@contextmanager
def _held(bank: StoredBank, name: str, told: str) -> Iterator[None]:
    lock = bank.database.locks.take(name)
    if lock is None:
        raise Conflict(told)
    try:
        yield
    finally:
        lock.release()
