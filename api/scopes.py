"""Which scopes of a key each route takes, in one table; what is not in it takes none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ted.bank.caller import DEFAULT_CALLER, DEFAULT_PROJECT, Caller
from ted.bank.keys import SCOPES, Key, Scope
from ted.errors import NotAllowed

Need = frozenset[Scope] | Literal["operator"]
"""Any one of these scopes; or to be the operator: an administrator of the default project."""

PUBLIC = frozenset({"/healthz", "/readyz", "/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"})
"""Paths that need no key."""

ADMIN: Need = frozenset({"admin"})
ANSWER: Need = frozenset({"answer", "admin"})
DISTILL: Need = frozenset({"distill", "admin"})
FEEDBACK: Need = frozenset({"feedback", "admin"})
READ: Need = frozenset({"answer", "distill", "admin"})
ANY: Need = frozenset(SCOPES)
OPERATOR: Need = "operator"

_BANK = "/v1/banks/{bank}"
_EXPERIENCE = f"{_BANK}/experiences/{{experience_id}}"
_JOB = "/v1/jobs/{job_id}"
_FILE = "/v1/files/{file_id}"
_KEY, _PROJECT = "/v1/admin/keys/{key_id}", "/v1/admin/projects/{project}"

NEEDS: Mapping[tuple[str, str], Need] = {
    ("POST", "/v1/answers"): ANSWER,
    ("GET", "/v1/answers/{answer_id}"): ANSWER,
    ("POST", "/v1/chat/completions"): ANSWER,
    ("GET", "/v1/models"): ANSWER,
    ("GET", "/v1/models/{model}"): ANSWER,
    ("POST", "/v1/feedback"): FEEDBACK,
    ("POST", "/v1/banks"): DISTILL,
    ("GET", "/v1/banks"): READ,
    ("GET", _BANK): READ,
    ("PATCH", _BANK): DISTILL,
    ("DELETE", _BANK): DISTILL,
    ("POST", f"{_BANK}/retrieve"): READ,
    ("GET", f"{_BANK}/export"): DISTILL,
    ("POST", f"{_BANK}/import"): DISTILL,
    ("POST", f"{_BANK}/experiences"): DISTILL,
    ("GET", f"{_BANK}/experiences"): READ,
    ("GET", _EXPERIENCE): READ,
    ("PATCH", _EXPERIENCE): DISTILL,
    ("DELETE", _EXPERIENCE): DISTILL,
    ("GET", f"{_EXPERIENCE}/history"): READ,
    ("GET", f"{_EXPERIENCE}/images/{{sha256}}"): READ,
    ("POST", f"{_BANK}/distillations"): DISTILL,
    ("POST", f"{_BANK}/compressions"): DISTILL,
    ("POST", f"{_BANK}/evaluations"): DISTILL,
    ("POST", f"{_BANK}/reembeddings"): DISTILL,
    ("POST", f"{_BANK}/merge"): DISTILL,
    ("GET", f"{_BANK}/versions"): READ,
    ("POST", f"{_BANK}/versions"): DISTILL,
    ("GET", f"{_BANK}/diff"): READ,
    ("POST", f"{_BANK}/rollback"): DISTILL,
    ("POST", f"{_EXPERIENCE}/unmerge"): DISTILL,
    ("GET", f"{_BANK}/feedback"): DISTILL,
    ("POST", f"{_BANK}/feedback/{{answer_id}}/accept"): DISTILL,
    ("POST", f"{_BANK}/feedback/{{answer_id}}/reject"): DISTILL,
    ("GET", f"{_BANK}/quarantine"): DISTILL,
    ("POST", f"{_BANK}/quarantine/{{held_id}}/accept"): DISTILL,
    ("POST", f"{_BANK}/quarantine/{{held_id}}/reject"): DISTILL,
    ("POST", "/v1/files"): DISTILL,
    ("GET", "/v1/files"): DISTILL,
    ("GET", _FILE): DISTILL,
    ("GET", f"{_FILE}/content"): DISTILL,
    ("DELETE", _FILE): DISTILL,
    ("GET", "/v1/jobs"): DISTILL,
    ("GET", _JOB): DISTILL,
    ("GET", f"{_JOB}/items"): DISTILL,
    ("GET", f"{_JOB}/items/{{item_id}}"): DISTILL,
    ("GET", f"{_JOB}/report"): DISTILL,
    ("GET", f"{_JOB}/events"): DISTILL,
    ("POST", f"{_JOB}/cancel"): DISTILL,
    ("POST", f"{_JOB}/pause"): DISTILL,
    ("POST", f"{_JOB}/resume"): DISTILL,
    ("POST", f"{_JOB}/retry"): DISTILL,
    ("GET", "/v1/admin/stats"): ADMIN,
    ("GET", "/v1/admin/usage"): ADMIN,
    ("GET", "/v1/admin/banks/{bank}/stats"): ADMIN,
    ("GET", "/v1/admin/banks/{bank}/utilities"): ADMIN,
    ("GET", "/v1/admin/banks/{bank}/map"): ADMIN,
    ("POST", "/v1/admin/banks/{bank}/reindex"): ADMIN,
    ("POST", "/v1/admin/keys"): ADMIN,
    ("GET", "/v1/admin/keys"): ADMIN,
    ("GET", _KEY): ADMIN,
    ("PATCH", _KEY): ADMIN,
    ("DELETE", _KEY): ADMIN,
    ("GET", "/v1/admin/projects"): ADMIN,
    ("GET", _PROJECT): ADMIN,
    ("PATCH", _PROJECT): ADMIN,
    ("POST", "/v1/admin/projects"): OPERATOR,
    ("DELETE", _PROJECT): OPERATOR,
    ("GET", "/metrics"): OPERATOR,
}

_UI_BANK = "/ui/banks/{bank}"
_UI_EXPERIENCE = f"{_UI_BANK}/experiences/{{experience_id}}"
_UI_JOB = "/ui/jobs/{job_id}"

UI_NEEDS: Mapping[tuple[str, str], Need] = {
    ("GET", "/ui"): ANY,
    ("POST", "/ui/sign-out"): ANY,
    ("GET", "/ui/banks"): READ,
    ("GET", _UI_BANK): READ,
    ("GET", f"{_UI_BANK}/experiences"): READ,
    ("GET", f"{_UI_BANK}/near-duplicates"): ADMIN,
    ("GET", _UI_EXPERIENCE): READ,
    ("GET", f"{_UI_EXPERIENCE}/images/{{sha256}}"): READ,
    ("POST", _UI_EXPERIENCE): DISTILL,
    ("POST", f"{_UI_EXPERIENCE}/unmerge"): DISTILL,
    ("GET", f"{_UI_BANK}/review"): DISTILL,
    ("POST", f"{_UI_BANK}/review/{{answer_id}}"): DISTILL,
    ("GET", f"{_UI_BANK}/distil"): DISTILL,
    ("POST", f"{_UI_BANK}/distil"): DISTILL,
    ("GET", "/ui/playground"): ANSWER,
    ("POST", "/ui/playground"): ANSWER,
    ("POST", "/ui/feedback"): FEEDBACK,
    ("GET", "/ui/jobs"): DISTILL,
    ("GET", _UI_JOB): DISTILL,
    ("GET", f"{_UI_JOB}/progress"): DISTILL,
    ("GET", f"{_UI_JOB}/events"): DISTILL,
    ("GET", f"{_UI_JOB}/report"): DISTILL,
    ("POST", f"{_UI_JOB}/{{action}}"): DISTILL,
}
"""The same of the dashboard, whose pages show what the routes above tell; what of a page takes more is left out of it."""


@dataclass(frozen=True, slots=True)
class Authority:
    """For whom a request is, and what they may do."""

    caller: Caller
    scopes: frozenset[Scope]

    @staticmethod
    def of(key: Key) -> Authority:
        """That of a key's holder."""
        return Authority(key.caller, frozenset(key.settings.scopes))

    @property
    def operates(self) -> bool:
        """Whether other projects are theirs to administer, too."""
        return "admin" in self.scopes and self.caller.project_id == DEFAULT_PROJECT

    def check(self, method: str, template: str) -> None:
        """Raises NotAllowed where the route takes none of their scopes."""
        need = _need(method, template)
        if not self._meets(need):
            if need == "operator":
                raise NotAllowed(
                    f"{method} {template} is for the operator: a key of the default project with the scope admin"
                )
            wanted = " or ".join(sorted(need))
            raise NotAllowed(
                f"{method} {template} takes a key with the scope {wanted}, which this one has not"
            )

    def may(self, method: str, template: str) -> bool:
        """Whether the route takes one of their scopes."""
        return self._meets(_need(method, template))

    def _meets(self, need: Need) -> bool:
        return self.operates if need == "operator" else bool(self.scopes & need)


def _need(method: str, template: str) -> Need:
    route = (method, template)
    return NEEDS.get(route) or UI_NEEDS.get(route, OPERATOR)


OPEN = Authority(DEFAULT_CALLER, frozenset(SCOPES))
"""Everybody's, where the service runs without keys."""
