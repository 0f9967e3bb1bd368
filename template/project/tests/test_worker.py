import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Program, eventually

from app.jobs import Job, Spool
from app.worker import handle


def test_a_job_is_done_in_the_time_that_it_asks_for() -> None:
    asyncio.run(handle(Job("a", 1, lambda: b'{"seconds": 0}')))


def test_the_program_empties_its_spool_and_stops(
    start: Callable[..., Program], tmp_path: Path
) -> None:
    Spool(tmp_path, "setup")
    (tmp_path / "todo" / "a").write_text('{"seconds": 0}')
    program = start("-m", "app.worker", WORK_DIR=str(tmp_path))
    eventually(lambda: not list(tmp_path.glob("*/a*")) + list(tmp_path.glob("claimed/*/*")))

    program.process.terminate()
    code, events, stderr = program.wait()
    assert (code, stderr) == (0, "")
    assert [event.get("outcome") for event in events if event["message"] == "job"] == ["finished"]


@pytest.mark.parametrize(("key", "value"), [("POLL_SECONDS", "0"), ("WORK_DIR", "/dev/null")])
def test_a_bad_setting_ends_the_program(
    start: Callable[..., Program], key: str, value: str
) -> None:
    code, events, stderr = start("-m", "app.worker", **{key: value}).wait()

    assert (code, events) == (2, [])
    assert stderr.startswith(f"settings: {key} is not allowed, use ")
