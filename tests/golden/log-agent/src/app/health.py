"""Probes and metrics of a program that works in a loop, answered by a thread of their own."""

import asyncio
import socket
import time
from http.server import ThreadingHTTPServer
from threading import Thread

from prometheus_client import Gauge, MetricsHandler

from app.settings import Settings

LAST_TURN = Gauge("last_turn_timestamp_seconds", "When the loop last began a turn.")


class Health:
    """The loop reports each of its turns here, so that one that hangs is noticed."""

    def __init__(self, stale_after: float, stopping: asyncio.Event) -> None:
        self._stale_after = stale_after
        self._stopping = stopping
        self.beat()

    def beat(self) -> None:
        self._last_beat = time.monotonic()
        LAST_TURN.set_to_current_time()

    def alive(self) -> bool:
        return time.monotonic() - self._last_beat < self._stale_after

    def ready(self) -> bool:
        return self.alive() and not self._stopping.is_set()


def listen(health: Health, settings: Settings) -> None:
    probes = {"/healthz": health.alive, "/readyz": health.ready}

    class Handler(MetricsHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                super().do_GET()
            elif probe := probes.get(self.path):
                self.send_response(200 if probe() else 503)
                self.end_headers()
            else:
                self.send_error(404)

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if settings.bind_address.version == 6 else socket.AF_INET

    server = Server((str(settings.bind_address), settings.metrics_port), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
