"""Serves an ASGI application: probes, metrics, a log line per request, and an orderly end."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from prometheus_client import Counter, Gauge, Histogram, start_http_server
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import Port, Seconds, Settings

logger = logging.getLogger(__name__)

LABELS = ["route", "status"]
REQUESTS = Counter("http_requests_total", "Requests answered.", LABELS)
LATENCY = Histogram("http_request_duration_seconds", "Time to answer a request.", LABELS)
IN_PROGRESS = Gauge("http_requests_in_progress", "Requests being answered.")


class ServerSettings(Settings):
    http_port: Port = 8080
    drain_seconds: Seconds = 2


def route_of(scope: Scope) -> str:
    """Name the route, not the path: a client must not be able to create time series."""
    for route in scope["app"].routes:
        if route.matches(scope)[0] is not Match.NONE:
            return getattr(route, "path", "other")
    return "unmatched"


class Observe:
    """Counts, times and logs each request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        route, status = route_of(scope), 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            with IN_PROGRESS.track_inprogress():
                await self.app(scope, receive, send_and_note)
        finally:
            seconds = time.perf_counter() - started
            REQUESTS.labels(route, status).inc()
            LATENCY.labels(route, status).observe(seconds)
            level = logging.DEBUG if route in ("/healthz", "/readyz") else logging.INFO
            what = {"method": scope["method"], "path": scope["path"], "status": status}
            logger.log(level, "request", extra=what | {"seconds": round(seconds, 4)})


def application(
    routes: list[Route], stopping: asyncio.Event, started: Callable[[], bool] = lambda: True
) -> Starlette:
    """Add the probes to the routes. It is ready from when `started` says so until it stops."""

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(request: Request) -> Response:
        if stopping.is_set():
            return PlainTextResponse("stopping", status_code=503)
        if not started():
            return PlainTextResponse("starting", status_code=503)
        return PlainTextResponse("ok")

    probes = [Route("/healthz", healthz), Route("/readyz", readyz)]
    return Starlette(routes=routes + probes, middleware=[Middleware(Observe)])


class Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would stop accepting at once, and exit with the signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(app: Starlette, settings: ServerSettings, stopping: asyncio.Event) -> None:
    """Serve until told to stop. Then: unready, wait, stop accepting, finish what is in flight."""
    address = str(settings.bind_address)
    start_http_server(settings.metrics_port, address)
    config = uvicorn.Config(
        app,
        host=address,
        port=settings.http_port,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.grace_seconds,
        # Longer than most proxies keep an idle connection, or they reuse one that just closes.
        timeout_keep_alive=75,
    )
    server = Server(config)

    async def drain() -> None:
        await stopping.wait()
        await asyncio.sleep(settings.drain_seconds)
        server.should_exit = True

    draining = asyncio.create_task(drain())
    logger.info("serving", extra={"port": settings.http_port})
    await server.serve()
    await draining
    logger.info("stopped")
