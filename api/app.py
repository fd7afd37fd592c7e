"""The REST service: an app over one open TED, whose worker runs while the app does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from api import handlers
from api.guard import Guard
from api.middleware import AroundRequests
from api.routes import (
    admin,
    answers,
    bank_merges,
    banks,
    chat,
    compressions,
    distillations,
    evaluations,
    experiences,
    feedback,
    files,
    health,
    job_events,
    jobs,
    keys,
    metrics,
    models,
    projects,
    quarantine,
    reembeddings,
    retrieval,
    transfer,
    versions,
)
from api.schemas.common import METADATA_VALUE
from api.schemas.experiences import ExperienceIn
from api.schemas.problem import Problem
from api.security import tell_keys
from api.service import Service
from api.ui import routes as ui
from api.ui.admission import STATIC
from ted.bootstrap import Ted, durable_worker, in_process_worker, open_ted
from ted.draining import Drain
from ted.jobs.worker import JobWorker
from ted.measures import Measures
from ted.settings import Settings, read_settings

VERSION = "0.1.0"
ROUTERS = (
    answers,
    feedback,
    quarantine,
    banks,
    experiences,
    versions,
    files,
    retrieval,
    distillations,
    compressions,
    bank_merges,
    evaluations,
    reembeddings,
    jobs,
    job_events,
    transfer,
    chat,
    models,
    admin,
    keys,
    projects,
    health,
    metrics,
)


LOOPBACK = ("127.0.0.1", "localhost", "::1")


def create_app(
    settings: Settings,
    worker: Callable[[Ted], JobWorker] | None = None,
    *,
    hosts: Collection[str] | None = None,
) -> FastAPI:
    """The app; TED is opened and closed with it. `worker` makes what runs the jobs (default: a thread of the process).

    `hosts`: the names that requests may call it by; None: any. Whether it asks for keys is a setting, `open`.
    """
    make_worker = worker or in_process_worker
    drain, measures = Drain(), Measures()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        ted = await asyncio.to_thread(open_ted, settings, drain=drain, measures=measures)
        service = app.state.service = Service.of(ted, make_worker(ted))
        loading: asyncio.Task[None] | None = None
        try:
            await asyncio.to_thread(service.start_worker)
            loading = asyncio.create_task(service.warm_up())  # not by a server that the worker's lock refuses
            taking_up = asyncio.create_task(service.take_up())
            yield
            taking_up.cancel()
        finally:
            await asyncio.to_thread(service.stop_worker)
            if loading is not None:
                await loading
            ted.close()

    app = FastAPI(
        title="TED",
        version=VERSION,
        summary="Training-Free Experience Distillation: a small model answers nearly as well as a large one.",
        description="Errors have one body: RFC 9457's fields, and OpenAI's `error`. `X-Request-ID` is on every response.",
        lifespan=lifespan,
        # The spans of requests are api/middleware's: FastAPI's own would tell paths and queries.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.drain = drain  # what stops the server, outside of the app, begins it
    handlers.install(app)
    app.mount(STATIC, StaticFiles(packages=[("api.ui", "static")]), name="static")
    app.add_middleware(Guard, is_open=settings.open)
    app.add_middleware(
        AroundRequests,
        max_body_bytes=settings.max_body_bytes,
        hosts=hosts,
        drain=drain,
        measures=measures,
    )
    for module in (*ROUTERS, *ui.PAGES):
        app.include_router(module.router)
    _name_schemas(app)
    return app


def from_environment(settings: Settings | None = None) -> FastAPI:
    """The app of these settings (default: the environment's), its jobs on DBOS: what `ted serve` has uvicorn start.

    Without keys it is called by the names of loopback only: no web page can point a name of its own here then.
    """
    found = settings or read_settings()
    hosts = LOOPBACK if found.open else found.hosts and (*found.hosts, *LOOPBACK)
    return create_app(found, worker=durable_worker, hosts=hosts)


def _name_schemas(app: FastAPI) -> None:
    """Mends the OpenAPI document: with the schemas that routes name and FastAPI does not see, and with keys; without its
    own errors, and with parameters that are left out where FastAPI says that they are null, which nothing in a URL or
    header is."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        schemas = document["components"]["schemas"]
        for model in (Problem, ExperienceIn):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= schema.pop("$defs", {})
            schemas[model.__name__] = schema
        schemas["MetadataValue"] = METADATA_VALUE
        for item in document["paths"].values():
            for operation in item.values():
                for parameter in operation.get("parameters", []):
                    parameter["schema"] = _never_null(parameter["schema"])
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        tell_keys(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend it


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    members: list[dict[str, Any]] = [m for m in schema.get("anyOf", []) if m != {"type": "null"}]
    if len(members) != 1:
        return schema
    return {name: value for name, value in schema.items() if name != "anyOf"} | members[0]
