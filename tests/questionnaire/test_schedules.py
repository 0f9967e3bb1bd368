"""Schedules and time zones are accepted just where the API server accepts them."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import TYPE_CHECKING

import pytest
from questionnaire.interview import Interview
from support.questions_asked import ask
from support.sandbox import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from support.cluster import Cluster

ZONES = (ROOT / "template/schemas/time_zones.txt").read_text().split()

NO_ZONES = [
    "CEST",
    "Europe/Berln",
    "europe/berlin",
    "Local",
    "America/New York",
    "Europe",
    "Etc/UTC/",
    "UTC+1",
    "Etc",
]

DAYS = ["sun", "mon", "TUE", "sat", "0", "5", "6"]
MONTHS = ["jan", "nov", "Dec", "1", "11"]

SCHEDULES = [
    *(f"0 3 * * {first}-{last}" for first, last in product(DAYS, DAYS)),
    *(f"0 3 * {first}-{last}/2 *" for first, last in product(MONTHS, MONTHS)),
    *("0 3 * * mon,sat-sun", "0 3 * * sat,sun-mon", "5-1 * * * *", "0 22-6 * * *", "0 3 28-2 * *", "0 3 * * 7"),
    *("*/15 * * * *", "0 3 * * mon-fri/2", "0 3 ? * ?", "60 * * * *", "0 24 * * *", "0 3 0 * *", "0 3 * 13 *"),
    *("*/05 * * * *", "007 03 01 01 00", "0 3 * * 08", "0 024 * * *", "1/05 */010 ? * *", "0 3 * * 0mon"),
    *("@daily", "@never", "0 3 * *", "0 0 3 * * *", "*/0 * * * *", "1-5-7 * * * *", "0 3 * * monday"),
]

TRIED = {"schedule": ("schedule", SCHEDULES), "time_zone": ("timeZone", [*ZONES, *NO_ZONES])}
"""What is tried for each question, and the field of a CronJobSpec that it becomes."""


def refused(cluster: Cluster, specs: list[dict[str, str]]) -> set[int]:
    """The numbers of the CronJobSpecs that the server refuses."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a/b:1"}]}
    jobs = [
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": f"n{number}", "namespace": "default"},
            "spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec": pod}}}, **spec},
        }
        for number, spec in enumerate(specs)
    ]
    listed = {"apiVersion": "v1", "kind": "List", "items": jobs}
    done = cluster.kubectl("create", "--dry-run=server", "--filename=-", input=json.dumps(listed))
    return {int(number) for number in re.findall(r'"n(\d+)" is invalid', done.stderr)}


@pytest.mark.slow
@pytest.mark.parametrize("question", TRIED)
def test_judged_as_by_the_server(question: str, bare_template: Path, tmp_path: Path, cluster: Cluster) -> None:
    """Every zone of the list and some others; ranges by name and number, upwards and backwards."""
    field, values = TRIED[question]
    theirs = {values[number] for number in refused(cluster, [{field: value} for value in values])}
    interview = Interview(bare_template, tmp_path / "shop", {"workload_kind": "cronjob"})
    assert 0 < len(theirs) < len(values)
    assert {value for value in values if interview.finding(question, value)} ^ theirs == set()


@pytest.mark.parametrize(
    ("schedule", "comes"),
    [
        ("0 3 30 2 *", False),
        ("0 3 30,31 feb ?", False),
        ("0 3 31 4,6,9,nov *", False),
        ("0 3 31/2 apr-jun/2 *", False),
        ("0 3 29 2 *", True),
        ("0 3 30-31 2-3 *", True),
        ("0 3 31 * *", True),
        ("0 3 1,31 2 *", True),
        ("0 3 30 2 mon", True),
        ("0 3 */31 feb *", True),
    ],
)
def test_schedule_that_never_comes(schedule: str, *, comes: bool) -> None:
    """The API server takes a day that none of the months has, and the Job would never run."""
    refused = ask({"workload_kind": "cronjob", "schedule": schedule}).refused
    assert ("never comes" in refused.get("schedule", "")) != comes
    assert not refused or not comes
