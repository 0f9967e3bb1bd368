import asyncio
from collections.abc import Callable, Iterator

import pytest
from conftest import IDENTITY, Program, eventually
from starlette.testclient import TestClient

from app.settings import load
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


def test_the_program_serves_and_stops(start: Callable[..., Program]) -> None:
    program = start("-m", "app.web", DRAIN_SECONDS="0")
    eventually(lambda: program.get("/", program.http_port).json()["greeting"] == "Hello")

    program.process.terminate()
    code, _, stderr = program.wait()
    assert (code, stderr) == (0, "")
