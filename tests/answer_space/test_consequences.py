"""What follows from an answer by arithmetic: the quota of devices, and how late a CronJob may be."""

from __future__ import annotations

from typing import Any

import pytest
from support.questions_asked import ask

DEVICES: dict[str, Any] = {"cpu": "1", "memory": "1Gi", "example.com/gpu": 2}


def test_quota_counts_devices() -> None:
    """Those of each container, at the peak with its headroom; a quota knows no limits of devices."""
    beside = {"limits": {"memory": "64Mi", "example.com/nic": 1}}
    answers = {
        "workload_kind": "job",
        "parallelism": 3,
        "resources": {"requests": DEVICES, "limits": {"memory": "1Gi", "example.com/gpu": 2}},
        "sidecars": [{"name": "net", "image": "registry.example.com/net:1", "resources": beside}],
    }
    verdict = ask(answers)
    assert not verdict.refused
    hard = verdict.context["stages"][0]["quota"]
    assert {name: amount for name, amount in hard.items() if "/" in name} == {
        "requests.example.com/gpu": "12",
        "requests.example.com/nic": "6",
    }


@pytest.mark.parametrize(
    ("schedule", "seconds", "words"),
    [
        ("*/5 * * * *", 3600, "an hour"),
        ("0 * * * *", 7200, "2 hours"),
        ("15 8-18 * * *", 100800, "28 hours"),
        ("0 3 * * *", 172800, "2 days"),
        ("30 2 * * mon-fri", 518400, "6 days"),
        ("0 0,12 * * 6", 1209600, "14 days"),
        ("0 3 1,15 * *", 2937600, "34 days"),
        ("0 3 31 * *", 10713600, "124 days"),
        ("0 3 13 * fri", 1209600, "14 days"),
        ("0 3 1 JAN,jul *", 32140800, "372 days"),
        ("@weekly", 1209600, "14 days"),
        ("@yearly", 63244800, "732 days"),
    ],
)
def test_overdue_follows_the_schedule(schedule: str, seconds: int, words: str) -> None:
    """The alert waits for two of the longest pauses between runs, and for an hour at least."""
    answers = {"workload_kind": "cronjob", "schedule": schedule, "monitoring": "prometheus-operator"}
    verdict = ask(answers)
    assert not verdict.refused
    (rule,) = [rule for rule in verdict.context["app"]["monitoringRules"] if rule["alert"] == "ShopOverdue"]
    assert f"> {seconds}\nunless" in rule["expr"]
    assert rule["annotations"]["summary"] == f"$(NAME) has not succeeded for {words}."


@pytest.mark.parametrize("kind", ["job", "cronjob"])
def test_a_job_that_ended_is_not_deleted_by_the_clock(kind: str) -> None:
    """Whatever keeps a cluster equal to its repository would make the Job anew, and so run it again."""
    further = [
        {"name": "left", "kind": kind},
        {"name": "swept", "kind": kind, "ttl_seconds_after_finished": 0},
    ]
    verdict = ask({"workload_kind": kind, "advanced": True, "workloads": further})
    assert not verdict.refused
    found = [workload["job"].get("ttlSecondsAfterFinished") for workload in verdict.context["every_workload"]]
    assert found == [None, None, 0]
