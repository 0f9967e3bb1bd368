import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import IDENTITY, Program, eventually
from prometheus_client import REGISTRY
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from app.lifecycle import stop_on_signal
from app.server import serve
from app.settings import load
from app.telemetry import configure_logging
from app.web import WebSettings, create_app

POD = {"name": "shop-1", "namespace": "shop-dev", "node": "node-7"}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    for key, value in {"GREETING": "Grüezi, \U0001f9c0", **IDENTITY}.items():
        monkeypatch.setenv(key, value)
    with TestClient(create_app(load(WebSettings), asyncio.Event())) as client:
        yield client


def test_home_shows_the_configured_greeting_and_the_pod(client: TestClient) -> None:
    assert client.get("/").json() == {"greeting": "Grüezi, \U0001f9c0", "pod": POD}


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [("/", "/", 200), ("/healthz", "/healthz", 200), ("/no/such/page", "unmatched", 404)],
)
def test_requests_are_counted_by_route(
    client: TestClient, path: str, route: str, status: int
) -> None:
    def count(metric: str) -> float:
        return REGISTRY.get_sample_value(metric, {"route": route, "status": str(status)}) or 0

    metrics = ["http_requests_total", "http_request_duration_seconds_count"]
    before = [count(metric) for metric in metrics]

    assert client.get(path).status_code == status
    assert [count(metric) for metric in metrics] == [value + 1 for value in before]


def test_sigterm_turns_readiness_off_and_finishes_the_request_in_flight(
    start: Callable[..., Program],
) -> None:
    program = start(__file__, DRAIN_SECONDS="2")
    http, metrics = program.http_port, program.metrics_port
    eventually(lambda: program.get("/readyz", http).status_code == 200)

    with ThreadPoolExecutor() as pool:
        slow = pool.submit(program.get, "/slow", http)
        in_flight = "http_requests_in_progress 1.0"
        eventually(lambda: in_flight in program.get("/metrics", metrics).text)
        program.process.terminate()
        eventually(lambda: program.get("/readyz", http).status_code == 503)
        time.sleep(0.5)  # still in the drain: whoever has not heard yet is served
        assert program.get("/healthz", http).status_code == 200
        assert slow.result().text == "done"

    code, events, stderr = program.wait()
    assert (code, stderr) == (0, "")
    assert [event["message"] for event in events] == ["serving", "stopping", "request", "stopped"]
    assert all(event["pod"] == POD for event in events)


def test_a_bad_setting_ends_the_program(start: Callable[..., Program]) -> None:
    code, events, stderr = start("-m", "app.web", HTTP_PORT="http").wait()

    assert (code, events) == (2, [])
    assert stderr == "settings: HTTP_PORT='http' is not allowed, use a port from 1 to 65535\n"


async def serve_with_a_slow_route() -> None:
    """What `app.web` does, with a request that takes longer than the drain."""
    settings, stopping = load(WebSettings), stop_on_signal()
    configure_logging(settings)

    async def slow(request: Request) -> Response:
        await stopping.wait()
        await asyncio.sleep(settings.drain_seconds + 0.5)
        return PlainTextResponse("done")

    app = create_app(settings, stopping)
    app.router.routes.append(Route("/slow", slow))
    await serve(app, settings, stopping)


if __name__ == "__main__":
    asyncio.run(serve_with_a_slow_route())
