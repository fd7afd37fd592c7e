"""Model calls in the store: what was answered under which key, and what was spent. Budgets are ted/ledger's affair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import func, select

from ted.bank.accounts import KeyAccounts
from ted.bank.database import Database
from ted.bank.job_tables import CallRow
from ted.bank.tables import now
from ted.chat import ChatRequest, Reply, Usage
from ted.errors import LedgerConflict


class Call(Protocol):
    """A request as the ledger sees it."""

    @property
    def call_key(self) -> str:
        """Its name for ever; its last but one part is the role of the model."""
        ...

    @property
    def fingerprint(self) -> str:
        """A digest over all that the model is sent."""
        ...


@dataclass(frozen=True, slots=True)
class Owner:
    """For whom a call is made: the project, the bank if any, the job or answer it is charged to, and the key if any."""

    project_id: str
    bank_id: str | None
    id: str
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What an owner's answered calls came to; `cost_usd` sums the known prices, `unpriced` counts the others."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class CallStore:
    """Reads and writes `model_calls`; each method is one short transaction.

    `on_call` is told of each call that was made: role, model, and the reply (None: it failed).
    `accounts`: of the keys that calls are charged to.
    """

    def __init__(
        self,
        database: Database,
        *,
        on_call: Callable[[str, str, Reply | None], None] = lambda role, model, reply: None,
        accounts: KeyAccounts | None = None,
    ) -> None:
        self._database, self._on_call = database, on_call
        self.accounts = accounts or KeyAccounts(database)

    def committed(self, request: ChatRequest) -> Reply | None:
        """The reply kept under the request's key, if any. Raises LedgerConflict if it was to another request."""
        with self._database.reading() as session:
            row = session.get(CallRow, request.call_key)
        if row is None or row.outcome != "ok" or row.text is None:
            return None
        if row.fingerprint != request.fingerprint:
            raise LedgerConflict(
                f"call {request.call_key} was made with another prompt or other settings: the job was begun by "
                "another version of TED; begin it anew (`--new-run`)"
            )
        usage = Usage(row.prompt_tokens, row.completion_tokens, row.cost_usd)
        return Reply(row.text, row.model, usage, row.seconds)

    def commit(self, request: Call, reply: Reply, owner: Owner) -> None:
        """Keeps a reply; from now on the key is answered."""
        self._write(
            request,
            owner,
            model=reply.model,
            outcome="ok",
            text=reply.text,
            prompt_tokens=reply.usage.prompt_tokens,
            completion_tokens=reply.usage.completion_tokens,
            cost_usd=reply.usage.cost_usd,
            seconds=reply.seconds,
            error=None,
        )
        self._on_call(_role(request), reply.model, reply)

    def fail(self, request: Call, model: str, error: str, owner: Owner) -> None:
        """Notes that the call failed; the key may be tried again."""
        self._write(request, owner, model=model, outcome="failed", text=None, error=error)
        self._on_call(_role(request), model, None)

    def _write(self, request: Call, owner: Owner, **values: object) -> None:
        with self._database.writing() as session:
            row = session.get(CallRow, request.call_key) or CallRow(call_key=request.call_key)
            row.project_id, row.bank_id, row.owner = owner.project_id, owner.bank_id, owner.id
            row.key_id = owner.key_id
            row.role, row.fingerprint, row.created_at = _role(request), request.fingerprint, now()
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)

    def spent(self, owner_id: str) -> Spent:
        """The sums over an owner's answered calls."""
        unpriced = func.count().filter(CallRow.cost_usd.is_(None))
        query = select(
            func.count(),
            func.coalesce(func.sum(CallRow.prompt_tokens), 0),
            func.coalesce(func.sum(CallRow.completion_tokens), 0),
            func.coalesce(func.sum(CallRow.cost_usd), 0.0),
            unpriced,
        ).where(CallRow.owner == owner_id, CallRow.outcome == "ok")
        with self._database.reading() as session:
            calls, prompt, completion, usd, unpriced_calls = session.execute(query).one()
        return Spent(calls, prompt, completion, usd or 0.0, unpriced_calls)


def _role(request: Call) -> str:
    return request.call_key.rsplit(":", 2)[-2]
