"""The web service: `python -m app.web`."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from prometheus_client import Counter, Histogram, start_http_server
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.lifecycle import stop_on_signal
from app.settings import Port, Seconds, Settings, load
from app.telemetry import configure_logging

logger = logging.getLogger(__name__)

LABELS = ["route", "status"]
REQUESTS = Counter("http_requests_total", "Requests answered.", LABELS)
LATENCY = Histogram("http_request_duration_seconds", "Time to answer a request.", LABELS)
PROBES = {"/healthz", "/readyz"}


class WebSettings(Settings):
    greeting: str = "Hello"
    http_port: Port = 8080
    drain_seconds: Seconds = 2


def home(request: Request) -> Response:
    settings: WebSettings = request.app.state.settings
    pod = {
        "name": settings.pod_name,
        "namespace": settings.pod_namespace,
        "node": settings.node_name,
    }
    return JSONResponse({"greeting": settings.greeting, "pod": pod})


async def healthz(request: Request) -> Response:
    return PlainTextResponse("ok")


async def readyz(request: Request) -> Response:
    if request.app.state.stopping.is_set():
        return PlainTextResponse("stopping", status_code=503)
    return PlainTextResponse("ok")


def route_template(routes: list[BaseRoute], scope: Scope) -> str:
    """Name the route and not the path, so that clients cannot create time series."""
    for route in routes:
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
            return route.path
    return "unmatched"


class Observe:
    """Counts, times and logs each request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        route = route_template(scope["app"].routes, scope)
        started = time.perf_counter()
        status = 500

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, observed_send)
        finally:
            seconds = time.perf_counter() - started
            REQUESTS.labels(route, status).inc()
            LATENCY.labels(route, status).observe(seconds)
            logger.log(
                logging.DEBUG if route in PROBES else logging.INFO,
                "request",
                extra={
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "seconds": round(seconds, 6),
                },
            )


def create_app(settings: WebSettings, stopping: asyncio.Event) -> Starlette:
    app = Starlette(
        routes=[Route("/", home), Route("/healthz", healthz), Route("/readyz", readyz)],
        middleware=[Middleware(Observe)],
    )
    app.state.settings = settings
    app.state.stopping = stopping
    return app


class Server(uvicorn.Server):
    """Leaves the signals to us: uvicorn would stop accepting at once and exit with the signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(app: Starlette, settings: WebSettings, stopping: asyncio.Event) -> None:
    """Serve until told to stop, then drain: unready, wait, stop accepting, finish what is open."""
    start_http_server(settings.metrics_port, str(settings.bind_address))
    server = Server(
        uvicorn.Config(
            app,
            host=str(settings.bind_address),
            port=settings.http_port,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            # Longer than a proxy keeps an idle connection, or it meets one that is just closing.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=settings.grace_seconds,
        )
    )

    async def drain() -> None:
        await stopping.wait()
        await asyncio.sleep(settings.drain_seconds)
        server.should_exit = True

    draining = asyncio.create_task(drain())
    logger.info("serving", extra={"port": settings.http_port})
    await server.serve()
    await draining
    logger.info("stopped")


async def run(settings: WebSettings) -> None:
    stopping = stop_on_signal()
    await serve(create_app(settings, stopping), settings, stopping)


def main() -> None:
    settings = load(WebSettings)
    configure_logging(settings)
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
