import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Program

from app.jobs import BadInputError, Job
from app.settings import load
from app.task import TaskSettings, handle, inputs


def test_the_work_is_so_many_steps_that_each_take_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPS", "2")
    monkeypatch.setenv("STEP_SECONDS", "0")

    assert inputs(load(TaskSettings)) == [b'{"seconds": 0}'] * 2


@pytest.mark.parametrize("line", [b"not JSON", b"{}", b'{"seconds": "long"}'])
def test_a_job_that_cannot_be_read_is_bad_input(line: bytes) -> None:
    with pytest.raises(BadInputError):
        asyncio.run(handle(Job("a", 1, lambda: line)))


def test_the_program_does_each_step_once(start: Callable[..., Program], tmp_path: Path) -> None:
    steps = {"STEPS": "3", "STEP_SECONDS": "0", "STATE_DIR": str(tmp_path), "JOB_UID": "run-1"}
    done = []
    for _ in range(2):
        code, events, stderr = start("-m", "app.task", **steps).wait()
        assert (code, stderr) == (0, "")
        done.append([event["job"] for event in events if event["message"] == "job"])

    assert done == [["0", "1", "2"], []]


def test_a_bad_setting_ends_the_program(start: Callable[..., Program]) -> None:
    code, events, stderr = start("-m", "app.task", STEPS="many").wait()

    assert (code, events) == (2, [])
    assert stderr.startswith("settings: STEPS is not allowed, use ")
