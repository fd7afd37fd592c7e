"""The rows of evaluations in the store. Making them, and figures from them, is ted/evaluation's affair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select

from ted.bank.calls import Spent
from ted.bank.database import Database
from ted.bank.job_tables import CallRow, EvaluationRow, JobRow
from ted.bank.tables import BankRow
from ted.errors import NotFound

COLUMNS = (
    "arm",
    "sample_id",
    "final_answer",
    "correct",
    "experiences",
    "abstained",
    "prompt_tokens",
    "completion_tokens",
    "cost_usd",
    "seconds",
    "details",
)


class EvaluationStore:
    """Reads and writes `evaluation_rows`; each method is one short transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, job_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keeps the rows of a job, each with COLUMNS, in place of those it had. Raises NotFound for no job."""
        with self._database.writing() as session:
            job = session.get(JobRow, job_id)
            if job is None:
                raise NotFound(f"there is no job {job_id}")
            kept = [
                {name: row[name] for name in COLUMNS} | {"job_id": job_id, "project_id": job.project_id}
                for row in rows
            ]
            session.execute(delete(EvaluationRow).where(EvaluationRow.job_id == job_id))
            if kept:
                session.execute(insert(EvaluationRow), kept)

    def distillation(self, bank_id: str) -> Spent:
        """What the distillations and compressions of a bank came to."""
        jobs = select(JobRow.id).where(
            JobRow.bank_id == bank_id, JobRow.kind.in_(("distillation", "compression"))
        )
        query = select(
            func.count(),
            func.coalesce(func.sum(CallRow.prompt_tokens), 0),
            func.coalesce(func.sum(CallRow.completion_tokens), 0),
            func.coalesce(func.sum(CallRow.cost_usd), 0.0),
            func.count().filter(CallRow.cost_usd.is_(None)),
        ).where(CallRow.owner.in_(jobs), CallRow.outcome == "ok")
        with self._database.reading() as session:
            calls, prompt, completion, usd, unpriced = session.execute(query).one()
        return Spent(calls, prompt, completion, usd or 0.0, unpriced)

    def bank_name(self, bank_id: str) -> str:
        """The name of a bank. Raises NotFound."""
        with self._database.reading() as session:
            row = session.get(BankRow, bank_id)
            if row is None:
                raise NotFound(f"there is no bank {bank_id}")
            return row.name

    def rows(self, job_id: str) -> list[dict[str, Any]]:
        """The rows of a job, by arm and sample."""
        query = (
            select(EvaluationRow)
            .where(EvaluationRow.job_id == job_id)
            .order_by(EvaluationRow.arm, EvaluationRow.sample_id)
        )
        with self._database.reading() as session:
            return [{name: getattr(row, name) for name in COLUMNS} for row in session.scalars(query)]
