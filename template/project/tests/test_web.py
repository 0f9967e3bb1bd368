import asyncio
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import REGISTRY
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from app.lifecycle import stop_on_signal
from app.web import WebSettings, create_app, serve


@pytest.fixture
def stopping() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def client(stopping: asyncio.Event) -> Iterator[TestClient]:
    settings = WebSettings(greeting="Hi", pod_name="p", pod_namespace="n", node_name="m")
    with TestClient(create_app(settings, stopping)) as client:
        yield client
