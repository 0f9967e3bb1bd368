"""Serves an ASGI application: probes, metrics, a log line per request, and an orderly end."""

import asyncio
import logging
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import h11
import uvicorn
from prometheus_client import Counter, Gauge, Histogram
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.metrics import serve_metrics
from app.ports import bind
from app.settings import Port, Seconds, Settings
from app.telemetry import REQUEST_ID

logger = logging.getLogger(__name__)

# A client must not be able to create time series, so what is not in here is "other".
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
LABELS = ["method", "route", "status"]
REQUESTS = Counter("http_requests_total", "Requests answered.", LABELS)
LATENCY = Histogram("http_request_duration_seconds", "Time to answer a request.", LABELS)
IN_PROGRESS = Gauge("http_requests_in_progress", "Requests being answered.")

# A client that takes longer gives its connection back: to the end of a request's head, and to the
# next part of its body.
HEAD_SECONDS = 10
BODY_SECONDS = 30

# What a proxy sends is kept, unless it could be anything but an identifier.
SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class ServerSettings(Settings):
    http_port: Port = 8080
    drain_seconds: Seconds = 2


def route_of(scope: Scope) -> str:
    """Name the route, not the path, for the same reason."""
    for route in scope["app"].routes:
        if route.matches(scope)[0] is not Match.NONE:
            return getattr(route, "path", "other")
    return "unmatched"


class Observe:
    """Counts, times and logs each request, under an identifier that the answer has too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        method = scope["method"] if scope["method"] in METHODS else "other"
        route, status, complete = route_of(scope), 500, False
        given = Headers(scope=scope).get("x-request-id", "")
        identity = given if SANE_ID.fullmatch(given) else uuid4().hex
        REQUEST_ID.set(identity)

        async def receive_in_time() -> Message:
            nonlocal complete
            if complete:  # from here on it tells when the client has gone
                return await receive()
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(408, headers={"Connection": "close"}) from error
            complete = not message.get("more_body", False)
            return message

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = identity
            await send(message)

        try:
            with IN_PROGRESS.track_inprogress():
                await self.app(scope, receive_in_time, send_and_note)
        except ClientDisconnect:  # nobody is there to answer, and nothing has failed here
            status = 499
        finally:
            seconds = time.perf_counter() - started
            REQUESTS.labels(method, route, status).inc()
            LATENCY.labels(method, route, status).observe(seconds)
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


class Protocol(H11Protocol):
    """Closes a connection on which the head of a request takes too long."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.trailing_data[0]:  # of the next request, sent before this answer
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unwatch()

    def _watch(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._unwatch()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.timeout_keep_alive_handler)

    def _unwatch(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None


class Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would stop accepting at once, and exit with the signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        logger.info("serving", extra={"port": self.config.port})


async def serve(app: Starlette, settings: ServerSettings, stopping: asyncio.Event) -> None:
    """Serve until told to stop. Then: unready, wait, stop accepting, finish what is in flight."""
    config = uvicorn.Config(
        app,
        http=Protocol,
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

    listener = bind(settings.bind_address, settings.http_port)
    # Each connection takes over what has arrived, so that many large bodies together are too much.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
    serve_metrics(settings, {})
    draining = asyncio.create_task(drain())
    await server.serve([listener])
    await draining
    logger.info("stopped")
