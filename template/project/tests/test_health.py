import asyncio
import socket

import httpx2
import pytest
from conftest import free_port

from app.health import Health, listen
from app.metrics import serve_metrics
from app.settings import Settings, load


def test_a_loop_that_no_longer_turns_is_neither_alive_nor_ready() -> None:
    fresh, stale = (Health(seconds, asyncio.Event()) for seconds in (60, 0))

    assert (fresh.alive(), fresh.ready()) == (True, True)
    assert (stale.alive(), stale.ready()) == (False, False)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("BIND_ADDRESS", "127.0.0.1")
    monkeypatch.setenv("METRICS_PORT", str(free_port()))
    return load(Settings)


def test_probes_and_metrics_are_answered_and_nothing_else(settings: Settings) -> None:
    stopping = asyncio.Event()
    listen(Health(60, stopping), settings)
    url = f"http://127.0.0.1:{settings.metrics_port}"
    with httpx2.Client(trust_env=False) as client:
        before = [client.get(url + path).status_code for path in ("/healthz", "/readyz")]
        stopping.set()
        after = [client.get(url + path).status_code for path in ("/healthz", "/readyz")]

        assert (before, after) == ([200, 200], [200, 503])
        assert "last_turn_timestamp_seconds" in client.get(url + "/metrics").text
        assert client.get(url + "/").status_code == 404


def test_a_client_that_sends_nothing_does_not_keep_a_thread(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.metrics.PATIENCE_SECONDS", 0.2)
    serve_metrics(settings, {})
    address = ("127.0.0.1", settings.metrics_port)
    with socket.create_connection(address, timeout=5) as silent:
        silent.sendall(b"GET /metr")
        assert silent.recv(100) == b""
