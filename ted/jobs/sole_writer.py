"""One writing job a bank at a time, by an operating-system lock that a killed process cannot leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from ted.bank.bank import Bank
from ted.errors import Conflict


@contextmanager
def sole_writer(bank: Bank) -> Iterator[None]:
    """Within the block no other job writes the bank, in this process or another of the same data directory.

    The lock is a file beside the database; the kernel frees it however its holder ends. Raises Conflict at once
    where somebody else holds it.
    """
    folder = bank.database.folder / "locks"
    folder.mkdir(exist_ok=True)
    lock = FileLock(folder / f"{bank.id}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise Conflict(
            f"bank '{bank.record.name}' is being written by another job that runs at this moment: let it end, or stop "
            "it, and give the same command again"
        ) from None
    try:
        yield
    finally:
        lock.release()
