import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Program, eventually
from prometheus_client import REGISTRY
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from app import server
from app.lifecycle import stop_on_signal
from app.server import ServerSettings, application, serve
from app.settings import load
from app.telemetry import add_request_id, configure_logging

POD = {"name": "shop-1", "namespace": "shop-dev", "node": "node-7"}

Start = Callable[..., Program]


async def echo(request: Request) -> Response:
    body = await request.body()
    logging.getLogger("own").info("read")
    return Response(body)


@pytest.fixture
def client() -> Iterator[TestClient]:
    routes = [Route("/", echo), Route("/things/{name}", echo, methods=["POST"])]
    with TestClient(application(routes, asyncio.Event())) as client:
        yield client


def start_ready(start: Start, **environment: str) -> Program:
    program = start(__file__, **environment)
    eventually(lambda: program.get("/readyz", program.http_port).status_code == 200)
    return program


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/", {"method": "GET", "route": "/", "status": "200"}),
        ("GET", "/healthz", {"method": "GET", "route": "/healthz", "status": "200"}),
        ("POST", "/things/1", {"method": "POST", "route": "/things/{name}", "status": "200"}),
        ("PUT", "/things/1", {"method": "PUT", "route": "/things/{name}", "status": "405"}),
        ("GET", "/no/such", {"method": "GET", "route": "unmatched", "status": "404"}),
        ("BREW", "/", {"method": "other", "route": "/", "status": "405"}),
    ],
)
def test_requests_are_counted_by_method_and_route(
    client: TestClient, method: str, path: str, labels: dict[str, str]
) -> None:
    def count(metric: str) -> float:
        return REGISTRY.get_sample_value(metric, labels) or 0

    metrics = ["http_requests_total", "http_request_duration_seconds_count"]
    before = [count(metric) for metric in metrics]

    client.request(method, path)

    assert [count(metric) for metric in metrics] == [value + 1 for value in before]


@pytest.mark.parametrize("given", ["req-1.a_B", "0" * 128])
def test_a_sane_request_id_is_kept_in_the_answer_and_in_every_log_line(
    client: TestClient, given: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(add_request_id)

    answer = client.get("/", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] == given
    records = [record for record in caplog.records if record.name in ("own", "app.server")]
    assert [record.__dict__["request_id"] for record in records] == [given] * 2


@pytest.mark.parametrize("given", ["", "a b", 'a"b', "{}", "ä", "0" * 129])
def test_a_request_without_a_sane_id_gets_one(client: TestClient, given: str) -> None:
    headers = {b"X-Request-ID": given.encode()}
    identities = {client.get("/", headers=headers).headers["X-Request-ID"] for _ in range(2)}

    assert len(identities) == 2
    assert all(len(identity) == 32 for identity in identities)


def test_sigterm_turns_readiness_off_and_finishes_the_request_in_flight(start: Start) -> None:
    program = start_ready(start, DRAIN_SECONDS="2")
    http, metrics = program.http_port, program.metrics_port

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
    assert len(events[2]["request_id"]) == 32


def test_it_says_serving_only_once_it_has_the_port(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, events, stderr = start(__file__, HTTP_PORT=str(port)).wait()

    assert (code, events) == (1, [])
    assert stderr == f"cannot listen on 127.0.0.1, port {port}: Address already in use\n"


def test_a_head_or_a_body_that_does_not_arrive_in_time_gives_its_connection_back(
    start: Start,
) -> None:
    program = start_ready(start, DRAIN_SECONDS="0")
    beginnings = [
        b"",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow:",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost:",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
    ]
    connections = []
    for beginning in beginnings:
        connection = socket.create_connection(("127.0.0.1", program.http_port), timeout=10)
        connection.sendall(beginning)
        connections.append(connection)

    ends = []
    for connection in connections:
        with connection, connection.makefile("rb") as file:
            ends.append(file.read().partition(b"\r\n")[0])

    assert ends == [b"", b"", b"HTTP/1.1 200 OK", b"HTTP/1.1 408 Request Timeout"]


def test_a_client_that_goes_away_is_no_failure_of_ours(start: Start) -> None:
    program = start_ready(start, DRAIN_SECONDS="0")
    with socket.create_connection(("127.0.0.1", program.http_port), timeout=10) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
    gone = 'http_requests_total{method="POST",route="/echo",status="499"} 1.0'
    eventually(lambda: gone in program.get("/metrics", program.metrics_port).text)
    program.process.terminate()

    code, events, stderr = program.wait()
    assert (code, stderr) == (0, "")
    assert [event["message"] for event in events] == ["serving", "request", "stopping", "stopped"]


def test_a_connection_that_is_used_stays_open(start: Start) -> None:
    program = start_ready(start, DRAIN_SECONDS="0")
    request = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    with socket.create_connection(("127.0.0.1", program.http_port), timeout=10) as connection:
        for _ in range(2):
            connection.sendall(request)
            answer = b""
            while not answer.endswith(b"ok"):
                answer += connection.recv(4096)
            time.sleep(1.5)  # longer than a head may take here


async def serve_slowly() -> None:
    """A program with a request that takes longer than the drain, and little patience."""
    server.HEAD_SECONDS = server.BODY_SECONDS = 1
    settings, stopping = load(ServerSettings), stop_on_signal()
    configure_logging(settings)

    async def slow(request: Request) -> Response:
        await stopping.wait()
        await asyncio.sleep(settings.drain_seconds + 0.5)
        return PlainTextResponse("done")

    routes = [Route("/slow", slow), Route("/echo", echo, methods=["POST"])]
    await serve(application(routes, stopping), settings, stopping)


if __name__ == "__main__":
    asyncio.run(serve_slowly())
