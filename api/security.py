"""Keys in the OpenAPI document: how one is sent, what each route takes, and how a request without one is answered."""

from __future__ import annotations

from typing import Any

from api.schemas.problem import errors
from api.scopes import NEEDS, PUBLIC

_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "x-api-key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def tell_keys(document: dict[str, Any]) -> None:
    """Every operation that needs a key says so, and which scopes it takes."""
    document["components"]["securitySchemes"] = _SCHEMES
    refusals = {
        status: told
        for status, told in errors(401, 403, 429, body=False).items()
        if status in (401, 403, 429)
    }
    for path, operations in document["paths"].items():
        if path in PUBLIC:
            continue
        for method, operation in operations.items():
            need = NEEDS[(method.upper(), path)]
            operation["security"] = [{name: []} for name in _SCHEMES]
            operation["x-scopes"] = [need] if isinstance(need, str) else sorted(need)
            for status, told in refusals.items():
                operation["responses"].setdefault(str(status), told)
