import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Program, eventually
from prometheus_client import REGISTRY

from app.agent import AgentSettings, Node
from app.settings import load

Start = Callable[..., Program]


def write_proc(root: Path, available: int = 600, load: float = 0.5, pressure: float = 1.5) -> None:
    (root / "pressure").mkdir(exist_ok=True)
    (root / "loadavg").write_text(f"{load} 0.25 0.10 1/200 4711\n")
    (root / "meminfo").write_text(
        f"MemTotal:       1000 kB\nMemFree:        100 kB\nMemAvailable:   {available} kB\n"
        "HugePages_Total:       0\n"
    )
    some = f"some avg10={pressure} avg60=0 avg300=0 total=9\n"
    (root / "pressure" / "cpu").write_text(some)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    monkeypatch.setenv("PROC_DIR", str(tmp_path))
    monkeypatch.setenv("NODE_NAME", "node-7")
    return Node(load(AgentSettings))


def sample(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"node_agent_{name}", {"node": "node-7", **labels})


def test_the_gauges_follow_the_node(node: Node, tmp_path: Path) -> None:
    write_proc(tmp_path)
    node.observe()

    assert [sample("load", minutes=minutes) for minutes in ("1", "5", "15")] == [0.5, 0.25, 0.1]
    assert sample("memory_bytes", state="available") == 600 * 1024
    assert sample("pressure_ratio", resource="cpu") == 0.015
    assert sample("pressure_ratio", resource="io") is None  # not every kernel measures it


def test_a_threshold_is_logged_when_it_is_crossed_and_not_again(
    node: Node, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for available, pressure in ((600, 1.5), (50, 1.5), (40, 1.5), (100, 80)):
        write_proc(tmp_path, available, pressure=pressure)
        node.observe()

    events = [record.__dict__ for record in caplog.records]
    assert [(event["levelname"], event["what"], event["percent"]) for event in events] == [
        ("WARNING", "memory", 95),
        ("INFO", "memory", 90),
        ("WARNING", "cpu pressure", 80),
    ]


@pytest.mark.skipif(not Path("/proc/loadavg").exists(), reason="only Linux has it")
def test_it_reports_this_machine_and_stops_at_once(start: Start) -> None:
    program = start("-m", "app.agent")
    port = program.metrics_port
    eventually(lambda: program.get("/readyz", port).status_code == 200)
    metrics = program.get("/metrics", port).text
    assert 'node_agent_load{minutes="1",node="node-7"}' in metrics
    assert 'node_agent_memory_bytes{node="node-7",state="total"}' in metrics

    program.process.terminate()
    code, events, stderr = program.wait()
    assert (code, stderr) == (0, "")
    messages = [event["message"] for event in events if "threshold" not in event["message"]]
    assert messages == ["observing", "stopping", "stopped"]


def test_each_interval_brings_new_values(start: Start, tmp_path: Path) -> None:
    write_proc(tmp_path)
    program = start("-m", "app.agent", PROC_DIR=str(tmp_path), INTERVAL_SECONDS="1")
    load = 'node_agent_load{minutes="1",node="node-7"}'
    eventually(lambda: f"{load} 0.5" in program.get("/metrics", program.metrics_port).text)
    write_proc(tmp_path, load=3)
    eventually(lambda: f"{load} 3.0" in program.get("/metrics", program.metrics_port).text)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("INTERVAL_SECONDS", "0", "a whole number from 1 to 3600"),
        ("PROC_DIR", "/dev/null", "a directory that holds loadavg and meminfo"),
    ],
)
def test_a_bad_setting_ends_the_program(start: Start, key: str, value: str, allowed: str) -> None:
    code, events, stderr = start("-m", "app.agent", **{key: value}).wait()

    assert (code, events) == (2, [])
    assert stderr == f"settings: {key} is not allowed, use {allowed}\n"
