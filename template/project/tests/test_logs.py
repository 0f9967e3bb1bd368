from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import Program, eventually
from prometheus_client import REGISTRY

from app.logs import Logs, LogsSettings
from app.settings import load

Start = Callable[..., Program]
Matches = Callable[[], list[Any]]


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Logs]:
    pod = {"POD_NAME": "agent-x7k2p", "POD_NAMESPACE": "tools"}
    for key, value in {"LOG_DIR": str(tmp_path), **pod}.items():
        monkeypatch.setenv(key, value)
    with closing(Logs(load(LogsSettings))) as logs:
        yield logs


@pytest.fixture
def matches(caplog: pytest.LogCaptureFixture) -> Matches:
    return lambda: [record.__dict__["line"] for record in caplog.records]


def log_file(root: Path, pod: str = "shop_web-1", file: str = "0.log") -> Path:
    directory = root / f"{pod}_0b1c2d3e-0000-4000-8000-000000000000" / "main"
    directory.mkdir(parents=True, exist_ok=True)
    return directory / file


def write(path: Path, text: str, stream: str = "stdout", tag: str = "F") -> None:
    with path.open("a") as file:
        file.write(f"2026-01-02T03:04:05.678901234Z {stream} {tag} {text}\n")


def count(metric: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"log_{metric}_total", labels) or 0


def test_lines_are_counted_and_what_matches_is_repeated(
    logs: Logs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    labels = {"namespace": "shop", "stream": "stderr"}
    lines, matches = count("lines", **labels), count("matches", **labels)
    for text in ("fine", "ERROR: no disk", "terrors of old", ""):
        write(log_file(tmp_path), text, "stderr")
    logs.turn()

    assert (count("lines", **labels), count("matches", **labels)) == (lines + 4, matches + 1)
    (record,) = caplog.records
    event = {"namespace": "shop", "pod": "web-1", "container": "main", "stream": "stderr"}
    assert record.__dict__["from"] == event | {"time": "2026-01-02T03:04:05.678901234Z"}


def test_nothing_is_lost_or_read_twice_over_a_rotation(
    logs: Logs, tmp_path: Path, matches: Matches
) -> None:
    path, rotated = log_file(tmp_path), log_file(tmp_path, file="0.log.20260102-030405")
    write(path, "error 1")
    logs.turn()
    path.rename(rotated)
    logs.turn()
    write(rotated, "error 2")  # the runtime has not opened the new file yet
    write(path, "error 3")
    log_file(tmp_path, file="0.log.20260101-000000.gz").write_bytes(b"\x1f\x8b error")
    logs.turn()
    write(rotated, "error 4")
    rotated.unlink()
    write(log_file(tmp_path, file="1.log"), "error 5")  # the container has restarted
    logs.turn()
    logs.turn()

    assert sorted(matches()) == [f"error {number}" for number in range(1, 6)]


def test_it_never_reads_what_its_own_pods_write(
    logs: Logs, tmp_path: Path, matches: Matches
) -> None:
    pods = ["tools_agent-x7k2p", "tools_agent-9zq4m", "tools_agent-web-x7k2p", "shop_agent-x7k2p"]
    for pod in pods:
        write(log_file(tmp_path, pod), f"error of {pod}")
    logs.turn()

    assert sorted(matches()) == ["error of shop_agent-x7k2p", "error of tools_agent-web-x7k2p"]


@pytest.mark.parametrize(
    ("from_start", "lines"), [("false", ["error new"]), ("true", ["error old", "error new"])]
)
def test_it_starts_at_the_end_unless_told_otherwise(
    start: Start, tmp_path: Path, from_start: str, lines: list[str]
) -> None:
    write(log_file(tmp_path), "error old")
    settings = {"LOG_DIR": str(tmp_path), "POLL_SECONDS": "1", "LOG_LEVEL": "error"}
    program = start("-m", "app.logs", FROM_START=from_start, **settings)
    port = program.metrics_port
    eventually(lambda: 'log_files{readable="yes"} 1.0' in program.get("/metrics", port).text)
    write(log_file(tmp_path), "error new")
    done = f'log_lines_total{{namespace="shop",stream="stdout"}} {len(lines)}.0'
    eventually(lambda: done in program.get("/metrics", port).text)
    assert program.get("/readyz", port).status_code == 200

    program.process.terminate()
    code, events, stderr = program.wait()
    assert (code, stderr) == (0, "")
    assert [event["line"] for event in events] == lines


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("PATTERN", "(", "a regular expression"),
        ("LOG_DIR", "/no/such/directory", "a directory that this user may read"),
    ],
)
def test_a_bad_setting_ends_the_program(start: Start, key: str, value: str, allowed: str) -> None:
    code, events, stderr = start("-m", "app.logs", **{key: value}).wait()

    assert (code, events) == (2, [])
    assert stderr == f"settings: {key} is not allowed, use {allowed}\n"
