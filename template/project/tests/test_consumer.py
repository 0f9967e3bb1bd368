"""What a program is that takes jobs, tried by one with a handler of the tests' own."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from conftest import Program, eventually

from app.consumer import ConsumerSettings, consume
from app.jobs import Job, Spool
from app.lifecycle import stop_on_signal
from app.settings import load
from app.telemetry import configure_logging

Start = Callable[..., Program]


def put(root: Path, name: str, content: str) -> None:
    Spool(root, "setup")
    (root / "todo" / name).write_text(content)


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_sigterm_turns_readiness_off_and_finishes_the_job_in_hand(
    start: Start, tmp_path: Path
) -> None:
    for name, seconds in {"a": 0, "b": 2, "c": 0}.items():
        put(tmp_path, name, f'{{"seconds": {seconds}}}')
    program = start(__file__, WORK_DIR=str(tmp_path))
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


def test_an_idle_program_finds_a_new_job_and_stops_at_once(start: Start, tmp_path: Path) -> None:
    program = start(__file__, WORK_DIR=str(tmp_path), POLL_SECONDS="1")
    eventually(lambda: program.get("/readyz", program.metrics_port).status_code == 200)

    put(tmp_path, "a", '{"seconds": 0}')
    eventually(lambda: files(tmp_path) == [])

    program.process.terminate()
    assert program.wait()[0] == 0


def test_a_job_that_outlives_the_grace_is_given_back(start: Start, tmp_path: Path) -> None:
    put(tmp_path, "a", '{"seconds": 60}')
    program = start(__file__, WORK_DIR=str(tmp_path), GRACE_SECONDS="0")
    eventually(lambda: files(tmp_path) == ["claimed/shop-1/a~1"])

    program.process.terminate()

    code, events, _ = program.wait()
    assert code == 0
    assert [event.get("outcome") for event in events] == [None, None, "given_back", None]
    assert files(tmp_path) == ["todo/a"]


class OwnSettings(ConsumerSettings):
    work_dir: Path


async def handle(job: Job) -> None:
    await asyncio.sleep(json.loads(job.read())["seconds"])


async def main() -> None:
    settings, stopping = load(OwnSettings), stop_on_signal()
    configure_logging(settings)
    spool = Spool(settings.work_dir, settings.pod_name, settings.lease_seconds)
    await consume(spool, handle, settings, stopping)


if __name__ == "__main__":
    asyncio.run(main())
