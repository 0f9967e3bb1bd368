"""What a program is that ends, tried by one with a handler of the tests' own."""

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Program, eventually

from app.batch import BatchSettings, open_source, run, work
from app.jobs import BadInputError, Job, Spool
from app.lifecycle import stop_on_signal
from app.settings import Positive, load
from app.telemetry import configure_logging

Captured = pytest.CaptureFixture[str]
Run = Callable[..., list[str]]
Task = Callable[..., Program]


def environment(root: Path) -> dict[str, str]:
    return {"STATE_DIR": str(root), "JOB_UID": "run-1", "STEPS": "4"}


@pytest.fixture
def task(start: Callable[..., Program], tmp_path: Path) -> Task:
    return lambda **more: start(__file__, **environment(tmp_path) | more)


@pytest.fixture
def do(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Run:
    """Do in this process what a task does, and return the jobs that it finished."""

    def do(code: int = 0, **more: str) -> list[str]:
        caplog.clear()
        with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.INFO):
            for key, value in (environment(tmp_path) | more).items():
                patch.setenv(key, value)
            settings = load(OwnSettings)
            source = open_source(settings, inputs_of(settings))
            assert asyncio.run(work(source, handle, settings, asyncio.Event())) == code
        events = [record.__dict__ for record in caplog.records]
        return [event["job"] for event in events if event.get("outcome") == "finished"]

    return do


def finished(program: Program, *, code: int) -> list[str]:
    returned, events, stderr = program.wait()
    assert (returned, events[-1]["exit_code"], stderr) == (code, code, "")
    return [event["job"] for event in events if event.get("outcome") == "finished"]


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def inputs(root: Path, *lines: str) -> dict[str, str]:
    (root / "inputs").write_text("\n".join(lines))
    return {"INPUT_FILE": str(root / "inputs")}


def put(root: Path, **jobs: str) -> None:
    Spool(root, "setup")
    for name, content in jobs.items():
        (root / "todo" / name).write_text(content)


def test_a_run_passes_over_what_it_has_done_and_the_next_one_starts_anew(do: Run) -> None:
    assert do() == ["0", "1", "2", "3"]
    assert do(STEPS="6") == ["4", "5"]
    assert do(JOB_UID="run-2") == ["0", "1", "2", "3"]


def test_the_pods_of_an_indexed_job_share_the_steps(do: Run) -> None:
    job = {"COMPLETIONS": "3", "STEPS": "8"}
    shares = [do(JOB_COMPLETION_INDEX=str(index), **job) for index in range(3)]

    assert shares == [["0", "3", "6"], ["1", "4", "7"], ["2", "5"]]


@pytest.mark.parametrize(("line", "code"), [("not JSON", 2), ('{"seconds": 60}', 1)])
def test_the_exit_code_tells_whether_to_try_again(
    do: Run, tmp_path: Path, line: str, code: int
) -> None:
    steps = inputs(tmp_path, '{"seconds": 0}', line, '{"seconds": 0}')

    assert do(**steps, JOB_TIMEOUT_SECONDS="1", code=code) == ["0"]


def test_sigterm_lets_the_step_in_hand_finish_and_the_next_pod_resumes(
    task: Task, do: Run, tmp_path: Path
) -> None:
    steps = inputs(tmp_path, '{"seconds": 0}', '{"seconds": 1}', '{"seconds": 0}')
    program = task(**steps)
    eventually((tmp_path / "run-1" / "0").exists)
    program.process.terminate()

    assert finished(program, code=143) == ["0", "1"]
    assert do(**steps) == ["2"]


def test_a_kill_loses_no_more_than_the_step_in_hand(task: Task, do: Run, tmp_path: Path) -> None:
    steps = inputs(tmp_path, '{"seconds": 0}', '{"seconds": 1}', '{"seconds": 0}')
    program = task(**steps)
    eventually((tmp_path / "run-1" / "0").exists)
    program.process.kill()
    program.wait()

    assert do(**steps) == ["1", "2"]


def test_two_pods_empty_a_queue_and_one_job_is_rejected(task: Task, tmp_path: Path) -> None:
    put(tmp_path, **{f"job{number}": '{"seconds": 0.1}' for number in range(8)}, bad="{}")
    pods = [task(QUEUE_DIR=str(tmp_path), POD_NAME=name) for name in ("shop-a", "shop-b")]

    shares = [finished(pod, code=2) for pod in pods]

    assert sorted(shares[0] + shares[1]) == [f"job{number}" for number in range(8)]
    assert files(tmp_path) == ["rejected/run-1/bad"]


def test_what_an_earlier_run_rejected_does_not_fail_the_next(task: Task, tmp_path: Path) -> None:
    put(tmp_path, bad="{}")
    queue = {"QUEUE_DIR": str(tmp_path)}
    assert finished(task(**queue), code=2) == []
    put(tmp_path, good='{"seconds": 0}')

    assert finished(task(**queue, JOB_UID="run-2"), code=0) == ["good"]


def test_a_program_outside_of_a_job_starts_anew_each_time() -> None:
    uids = [load(BatchSettings).job_uid for _ in range(2)]

    assert uids[0] != uids[1]


def test_a_pod_waits_for_the_job_in_the_hands_of_another(task: Task, tmp_path: Path) -> None:
    put(tmp_path, a='{"seconds": 0}')
    other = Spool(tmp_path, "shop-b")
    job = other.take()
    assert job
    program = task(QUEUE_DIR=str(tmp_path))
    eventually(lambda: (tmp_path / "claimed" / "shop-1").exists())
    other.give_back(job, failed=False)

    assert finished(program, code=0) == ["a"]


def test_a_job_that_outlives_the_grace_is_given_back(task: Task, tmp_path: Path) -> None:
    put(tmp_path, a='{"seconds": 50}')
    program = task(QUEUE_DIR=str(tmp_path), GRACE_SECONDS="0")
    eventually(lambda: files(tmp_path) == ["claimed/shop-1/a~1"])
    program.process.terminate()

    assert finished(program, code=143) == []
    assert files(tmp_path) == ["todo/a"]


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("STEPS", "many", "a whole number from 1 to 3600"),
        ("COMPLETIONS", "1", "the Job's completions, more than this pod's index 1"),
        ("INPUT_FILE", "/no/such/file", "a file that this user may read"),
        ("QUEUE_DIR", "/dev/null", "a directory that this user may write to"),
    ],
)
def test_a_bad_setting_ends_the_program(
    do: Run, key: str, value: str, allowed: str, capfd: Captured
) -> None:
    with pytest.raises(SystemExit, match="2"):
        do(**{"JOB_COMPLETION_INDEX": "1", "COMPLETIONS": "2"} | {key: value})

    assert capfd.readouterr().err == f"settings: {key} is not allowed, use {allowed}\n"


class OwnSettings(BatchSettings):
    steps: Positive = 10


def inputs_of(settings: OwnSettings) -> list[bytes]:
    return [b'{"seconds": 0}'] * settings.steps


async def handle(job: Job) -> None:
    try:
        await asyncio.sleep(json.loads(job.read())["seconds"])
    except (KeyError, ValueError) as error:
        raise BadInputError from error


async def main() -> int:
    settings, stopping = load(OwnSettings), stop_on_signal()
    configure_logging(settings)
    return await run(open_source(settings, inputs_of(settings)), handle, settings, stopping)


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
