import asyncio
import json
from pathlib import Path

import pytest

from app.jobs import BadInputError, Job, JobSettings, Spool, attempt
from app.settings import load


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, "shop-1")


def put(root: Path, name: str, content: str = '{"seconds": 0}') -> None:
    (root / "todo" / name).write_text(content)


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


async def handle(job: Job) -> None:
    content = json.loads(job.read())
    if "seconds" not in content:
        raise BadInputError
    await asyncio.sleep(content["seconds"])


def next_outcome(spool: Spool) -> str:
    job = spool.take()
    assert job
    return asyncio.run(attempt(job, spool, handle, load(JobSettings)))


def test_a_job_that_fails_waits_behind_new_ones_and_is_rejected_in_the_end(
    spool: Spool, tmp_path: Path
) -> None:
    put(tmp_path, "a", "not JSON")
    assert next_outcome(spool) == "retried"
    put(tmp_path, "b")
    assert next_outcome(spool) == "finished"
    assert next_outcome(spool) == "retried"
    assert next_outcome(spool) == "rejected"
    assert files(tmp_path) == ["rejected/a"]


def test_bad_input_is_rejected_at_once(spool: Spool, tmp_path: Path) -> None:
    put(tmp_path, "a", "{}")

    assert next_outcome(spool) == "rejected"


def test_a_job_that_takes_too_long_has_failed(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOB_TIMEOUT_SECONDS", "1")
    put(tmp_path, "a", '{"seconds": 60}')

    assert next_outcome(spool) == "retried"


def test_a_job_that_kills_the_worker_is_rejected_in_the_end(spool: Spool, tmp_path: Path) -> None:
    put(tmp_path, "a")
    for _ in range(3):
        assert spool.take()
        spool = Spool(tmp_path, "shop-1")

    assert next_outcome(spool) == "rejected"


def test_two_workers_never_claim_the_same_job(spool: Spool, tmp_path: Path) -> None:
    put(tmp_path, "a")

    assert spool.take()
    assert Spool(tmp_path, "shop-2").take() is None


def test_the_claim_of_a_worker_that_is_gone_returns_when_its_lease_ends(
    spool: Spool, tmp_path: Path
) -> None:
    put(tmp_path, "a")
    assert spool.take()

    again = Spool(tmp_path, "shop-2", lease_seconds=0).take()

    assert again
    assert (again.name, again.attempt) == ("a", 2)


@pytest.mark.parametrize("first", ["", "run-1"])
@pytest.mark.parametrize("second", ["", "run-2"])
def test_what_an_earlier_run_rejected_is_not_held_against_the_next(
    tmp_path: Path, first: str, second: str
) -> None:
    earlier = Spool(tmp_path, "shop-1", run=first)
    put(tmp_path, "a", "{}")
    assert next_outcome(earlier) == "rejected"
    later = Spool(tmp_path, "shop-2", run=second)

    assert (earlier.rejects(), later.rejects()) == (True, False)

    put(tmp_path, "b", "{}")
    assert next_outcome(later) == "rejected"
    assert later.rejects()


def test_a_directory_is_no_job(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "todo" / ".incomplete").mkdir()
    put(tmp_path, ".incomplete/a")

    assert spool.empty()
    assert spool.take() is None


def test_the_pods_of_a_run_know_what_another_of_them_has_rejected(tmp_path: Path) -> None:
    pods = [Spool(tmp_path, f"shop-{number}", run="run-1") for number in range(2)]
    put(tmp_path, "a", "{}")
    assert next_outcome(pods[0]) == "rejected"
    replacement = Spool(tmp_path, "shop-3", run="run-1")

    assert [pod.rejects() for pod in (*pods, replacement)] == [True] * 3
    assert files(tmp_path) == ["rejected/run-1/a"]
