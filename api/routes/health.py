"""`/healthz` and `/readyz`: whether the process lives, and whether it can be sent requests."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.dependencies import Running
from api.kinds import Kind
from api.problems import problem
from api.schemas.common import Shown
from api.schemas.problem import errors

router = APIRouter(tags=["health"])


class Alive(Shown):
    """The process answers."""

    status: str = "ok"


class Ready(Shown):
    """All checks are `ok`."""

    status: str = "ready"
    checks: dict[str, str]


@router.get("/healthz", summary="Alive?", responses={500: errors(body=False)[500]})
async def get_healthz() -> Alive:
    """Touches nothing."""
    return Alive()


@router.get("/readyz", summary="Ready?", response_model=Ready, responses=errors(503, body=False))
def get_readyz(request: Request, service: Running) -> Ready | JSONResponse:
    """Database and its schema, embedders, worker; and whether it is going down. 503 until all are `ok`."""
    checks = service.checks()
    if lacking := [f"{name}: {state}" for name, state in checks.items() if state != "ok"]:
        told = f"not ready ({'; '.join(lacking)}): try again soon"
        return problem(
            request, Kind(503, "not_ready"), told, headers={"Retry-After": "1"}, more={"checks": checks}
        )
    return Ready(checks=checks)
