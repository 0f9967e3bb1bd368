"""Probes of a program that works in a loop."""

import asyncio
import time

from prometheus_client import Gauge

from app.metrics import serve_metrics
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
    serve_metrics(settings, {"/healthz": health.alive, "/readyz": health.ready})
