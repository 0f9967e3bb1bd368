"""Runs a program as its own process, on free ports, so that signals and exit codes are real."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

SOURCE = Path(__file__).parents[1] / "src"
IDENTITY = {"POD_NAME": "pod-1", "POD_NAMESPACE": "team-dev", "NODE_NAME": "node-7"}


class Program:
    def __init__(self, *command: str, **environment: str) -> None:
        self.http, self.metrics = free_port(), free_port()
        self.process = subprocess.Popen(
            [sys.executable, *command],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(SOURCE),
                "BIND_ADDRESS": "127.0.0.1",
                "HTTP_PORT": str(self.http),
                "METRICS_PORT": str(self.metrics),
                **IDENTITY,
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> tuple[int, list[dict[str, object]], str]:
        """Return the exit code, the log, and what was said on stderr."""
        stdout, stderr = self.process.communicate(timeout=10)
        return self.process.returncode, [json.loads(line) for line in stdout.splitlines()], stderr


Start = Callable[..., Program]


@pytest.fixture
def start() -> Iterator[Start]:
    programs: list[Program] = []

    def start(*command: str, **environment: str) -> Program:
        programs.append(Program(*command, **environment))
        return programs[-1]

    yield start
    for program in programs:
        program.process.kill()
        program.process.communicate()


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def eventually(question: Callable[[], bool]) -> None:
    """Ask until the answer is yes. A program that does not listen yet says no."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if question():
                return
        except OSError:
            pass
        time.sleep(0.02)
    pytest.fail("waited for 5 seconds in vain")
