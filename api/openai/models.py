"""The names of models: the configured student, and it with each bank (`<student>@<bank>`)."""

from __future__ import annotations

from datetime import datetime

from api.openai.schemas import ModelOut
from api.refusals import ModelNotFound
from api.service import Service
from ted.errors import NotFound


def all_models(service: Service) -> list[ModelOut]:
    """The student alone, then with each bank, oldest first."""
    student = service.ted.settings.student
    banks = service.ted.banks.list()
    return [
        ModelOut(id=student, created=0),
        *(
            ModelOut(id=f"{student}@{bank['name']}", created=_seconds(str(bank["created_at"])))
            for bank in banks
        ),
    ]


def model_named(name: str, service: Service) -> ModelOut:
    """The model of this name; a bank may be named by its id, too. Raises ModelNotFound."""
    bank_id = bank_of(name, service, loc=("path", "model"))
    if bank_id is None:
        return ModelOut(id=name, created=0)
    bank = next(bank for bank in service.ted.banks.list() if bank["id"] == bank_id)
    return ModelOut(id=name, created=_seconds(str(bank["created_at"])))


def bank_of(name: str, service: Service, *, loc: tuple[str, ...] = ("body", "model")) -> str | None:
    """The id of the bank that a model's name holds; None for the student alone. Raises ModelNotFound."""
    student = service.ted.settings.student
    if name == student:
        return None
    bank = name.removeprefix(f"{student}@")
    if bank == name:
        raise ModelNotFound(
            f"there is no model '{name}': there are '{student}' and '{student}@<bank>', see GET /v1/models",
            loc=loc,
        )
    try:
        return service.ted.banks.find(bank)
    except NotFound:
        raise ModelNotFound(
            f"there is no model '{name}', since there is no bank '{bank}': see GET /v1/models", loc=loc
        ) from None


def _seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())
