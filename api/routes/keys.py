"""`/v1/admin/keys`: made, listed, shown, changed, revoked; of one's own project, for the operator of any."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.dependencies import Administering, Paging, Serving
from api.schemas.common import ListOf, listed
from api.schemas.keys import KeyIn, KeyOut, KeyPatch, NewKeyOut
from api.schemas.problem import errors

router = APIRouter(prefix="/v1/admin/keys", tags=["admin"])

KeyPath = Annotated[str, Path(description="A key's id.")]


@router.post("", status_code=201, summary="Make a key", responses=errors(404))
def post_key(body: KeyIn, admin: Administering, response: Response) -> NewKeyOut:
    """Its secret is in this response and nowhere else."""
    project = admin.project(body.project)
    key, secret = admin.keys.create(body.settings, project_id=project.id)
    response.headers["Location"] = f"/v1/admin/keys/{key.id}"
    return NewKeyOut.made(key, secret)


@router.get("", summary="List keys", responses=errors(404, body=False))
def get_keys(
    page: Paging,
    admin: Administering,
    project: Annotated[str | None, Query(max_length=255, description="Of this project (id or name).")] = None,
) -> ListOf[KeyOut]:
    """Those of one's own project unless asked otherwise, revoked ones too, oldest first unless asked otherwise."""
    found = admin.keys.list(page, project_id=admin.project(project).id)
    return listed([KeyOut.of(k) for k in found.data], [k.id for k in found.data], has_more=found.has_more)


@router.get("/{key_id}", summary="Show a key", responses=errors(404, body=False))
def get_key(key_id: KeyPath, admin: Administering) -> KeyOut:
    """Without its secret, which is kept nowhere."""
    return KeyOut.of(admin.keys.get(key_id))


@router.patch("/{key_id}", summary="Change a key", responses=errors(404, 409))
def patch_key(key_id: KeyPath, body: KeyPatch, admin: Administering, service: Serving) -> KeyOut:
    """What is left out stays as it is; `limits` are changed as a whole. Holds within a second."""
    changed = admin.keys.change(key_id, body.changed)
    service.keyring.forget()
    return KeyOut.of(changed)


@router.delete("/{key_id}", summary="Revoke a key", responses=errors(404, body=False))
def delete_key(key_id: KeyPath, admin: Administering, service: Serving) -> KeyOut:
    """It works no more: here at once, at other replicas within a second. What it spent stays in the account."""
    revoked = admin.keys.revoke(key_id)
    service.keyring.forget()
    return KeyOut.of(revoked)
