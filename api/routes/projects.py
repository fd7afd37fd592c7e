"""`/v1/admin/projects`: made, listed, shown, renamed, deleted; others than one's own by the operator alone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.dependencies import Administering, Paging
from api.schemas.common import ListOf, listed
from api.schemas.keys import ProjectIn, ProjectOut
from api.schemas.problem import errors

router = APIRouter(prefix="/v1/admin/projects", tags=["admin"])

ProjectPath = Annotated[str, Path(description="A project's id or name.")]


@router.post("", status_code=201, summary="Make a project", responses=errors(409))
def post_project(body: ProjectIn, admin: Administering, response: Response) -> ProjectOut:
    """An empty one; keys of it are made with its name."""
    made = admin.projects.create(body.name)
    response.headers["Location"] = f"/v1/admin/projects/{made.id}"
    return ProjectOut.of(made)


@router.get("", summary="List projects", responses=errors(body=False))
def get_projects(page: Paging, admin: Administering) -> ListOf[ProjectOut]:
    """One's own; for the operator, all."""
    found = admin.projects.list(page, only=admin.only)
    return listed([ProjectOut.of(p) for p in found.data], [p.id for p in found.data], has_more=found.has_more)


@router.get("/{project}", summary="Show a project", responses=errors(404, body=False))
def get_project(project: ProjectPath, admin: Administering) -> ProjectOut:
    """Its id and its name."""
    return ProjectOut.of(admin.project(project))


@router.patch("/{project}", summary="Rename a project", responses=errors(404, 409))
def patch_project(project: ProjectPath, body: ProjectIn, admin: Administering) -> ProjectOut:
    """Its id stays."""
    return ProjectOut.of(admin.projects.rename(admin.project(project).id, body.name))


@router.delete(
    "/{project}", status_code=204, summary="Delete a project", responses=errors(404, 409, body=False)
)
def delete_project(project: ProjectPath, admin: Administering) -> None:
    """Only an empty one: without keys that work, banks, files, and without anything in the account."""
    admin.projects.delete(admin.project(project).id)
