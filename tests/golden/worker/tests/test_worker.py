import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Program, eventually

from app.health import Health
from app.jobs import Spool, attempt
from app.settings import load
from app.worker import WorkerSettings, handle

Start = Callable[..., Program]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, "shop-1")


def put(root: Path, name: str, content: str) -> None:
    (root / "todo" / name).write_text(content)


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def next_outcome(spool: Spool) -> str:
    job = spool.take()
    assert job
    return asyncio.run(attempt(job, spool, handle, load(WorkerSettings)))


@pytest.mark.usefixtures("spool")
def test_sigterm_turns_readiness_off_and_finishes_the_job_in_hand(
    start: Start, tmp_path: Path
) -> None:
    for name, seconds in {"a": 0, "b": 2, "c": 0}.items():
        put(tmp_path, name, f'{{"seconds": {seconds}}}')
    program = start("-m", "app.worker", WORK_DIR=str(tmp_path))
    port = program.metrics_port
    done = 'jobs_total{outcome="finished"} 1.0'
    eventually(lambda: done in program.get("/metrics", port).text)
    assert program.get("/readyz", port).status_code == 200

    program.process.terminate()
    eventually(lambda: program.get("/readyz", port).status_code == 503)
    assert program.get("/healthz", port).status_code == 200

    code, events, stderr = program.wait()
    assert (code, stderr) == (0, "")
    messages = [event["message"] for event in events]
    assert messages == ["working", "job", "stopping", "job", "stopped"]
    assert all(event["pod"]["name"] == "shop-1" for event in events)
    assert files(tmp_path) == ["todo/c"]


def test_an_idle_worker_finds_a_new_job_and_stops_at_once(start: Start, tmp_path: Path) -> None:
    program = start("-m", "app.worker", WORK_DIR=str(tmp_path), POLL_SECONDS="1")
    eventually(lambda: program.get("/readyz", program.metrics_port).status_code == 200)

    put(tmp_path, "a", '{"seconds": 0}')
    eventually(lambda: files(tmp_path) == [])

    program.process.terminate()
    assert program.wait()[0] == 0


@pytest.mark.usefixtures("spool")
def test_a_job_that_outlives_the_grace_is_given_back(start: Start, tmp_path: Path) -> None:
    put(tmp_path, "a", '{"seconds": 60}')
    program = start("-m", "app.worker", WORK_DIR=str(tmp_path), GRACE_SECONDS="0")
    eventually(lambda: files(tmp_path) == ["claimed/shop-1/a~1"])

    program.process.terminate()

    code, events, _ = program.wait()
    assert code == 0
    assert [event.get("outcome") for event in events] == [None, None, "given_back", None]
    assert files(tmp_path) == ["todo/a"]


def test_a_job_that_fails_waits_behind_new_ones_and_is_rejected_in_the_end(
    spool: Spool, tmp_path: Path
) -> None:
    put(tmp_path, "a", "not JSON")
    assert next_outcome(spool) == "retried"
    put(tmp_path, "b", '{"seconds": 0}')
    assert next_outcome(spool) == "finished"
    assert next_outcome(spool) == "retried"
    assert next_outcome(spool) == "rejected"
    assert files(tmp_path) == ["rejected/a"]


def test_a_job_that_takes_too_long_has_failed(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOB_TIMEOUT_SECONDS", "1")
    put(tmp_path, "a", '{"seconds": 60}')

    assert next_outcome(spool) == "retried"


def test_a_job_that_kills_the_worker_is_rejected_in_the_end(spool: Spool, tmp_path: Path) -> None:
    put(tmp_path, "a", '{"seconds": 0}')
    for _ in range(3):
        assert spool.take()
        spool = Spool(tmp_path, "shop-1")

    assert next_outcome(spool) == "rejected"


def test_two_workers_never_claim_the_same_job(spool: Spool, tmp_path: Path) -> None:
    put(tmp_path, "a", "{}")

    assert spool.take()
    assert Spool(tmp_path, "shop-2").take() is None


def test_the_claim_of_a_worker_that_is_gone_returns_when_its_lease_ends(
    spool: Spool, tmp_path: Path
) -> None:
    put(tmp_path, "a", "{}")
    assert spool.take()

    again = Spool(tmp_path, "shop-2", lease_seconds=0).take()

    assert again
    assert (again.name, again.attempt) == ("a", 2)


def test_a_loop_that_no_longer_turns_is_neither_alive_nor_ready() -> None:
    fresh, stale = (Health(seconds, asyncio.Event()) for seconds in (60, 0))

    assert (fresh.alive(), fresh.ready()) == (True, True)
    assert (stale.alive(), stale.ready()) == (False, False)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("POLL_SECONDS", "0", "a whole number from 1 to 3600"),
        ("WORK_DIR", "/dev/null", "a directory that this user may write to"),
    ],
)
def test_a_bad_setting_ends_the_program(start: Start, key: str, value: str, allowed: str) -> None:
    code, events, stderr = start("-m", "app.worker", **{key: value}).wait()

    assert (code, events) == (2, [])
    assert stderr == f"settings: {key}={value!r} is not allowed, use {allowed}\n"
