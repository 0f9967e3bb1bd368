"""Runs a program as a process of its own, so that its signals, ports and exit code are real."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

IDENTITY = {"POD_NAME": "shop-1", "POD_NAMESPACE": "shop-dev", "NODE_NAME": "node-7"}


class Program:
    def __init__(self, *command: str, **environment: str) -> None:
        self.http_port, self.metrics_port = free_port(), free_port()
        ports = {"HTTP_PORT": str(self.http_port), "METRICS_PORT": str(self.metrics_port)}
        paths = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
        self.process = subprocess.Popen(
            [sys.executable, *command],
            env=paths | ports | IDENTITY | {"BIND_ADDRESS": "127.0.0.1"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def get(self, path: str, port: int) -> httpx2.Response:
        return httpx2.get(f"http://127.0.0.1:{port}{path}", timeout=10, trust_env=False)

    def wait(self) -> tuple[int, list[dict[str, Any]], str]:
        """Return the exit code, the log's events, and stderr."""
        log, stderr = self.process.communicate(timeout=30)
        return self.process.returncode, [json.loads(line) for line in log.splitlines()], stderr


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    programs: list[Program] = []

    def start(*command: str, **environment: str) -> Program:
        programs.append(Program(*command, **environment))
        return programs[-1]

    yield start
    for program in programs:
        program.process.kill()
        program.process.communicate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def eventually(question: Callable[[], bool]) -> None:
    """Ask until the answer is yes; a program that does not listen yet counts as a no."""
    for _ in range(500):
        with suppress(httpx2.TransportError):
            if question():
                return
        time.sleep(0.02)
    pytest.fail("still no after 10 seconds")
