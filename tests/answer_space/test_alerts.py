"""When an alert fires, and when it does not: its expression is parsed, and evaluated for a handful of series."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from support.promql import Series, fires, selectors
from support.questions_asked import ask, environment
from support.verdict import expect_none, findings

if TYPE_CHECKING:
    from support.render import Answers, Renderer

NAMESPACE = "shop-prod"
NOW = 100 * 86400.0

EVERY_KIND: list[dict[str, Any]] = [
    {"name": "mail", "preset": "worker"},
    {"name": "db", "kind": "statefulset"},
    {"name": "agent", "kind": "daemonset"},
    {"name": "load", "kind": "job"},
    {"name": "clean", "kind": "cronjob", "sidecars": ["log-shipper"]},
]


@cache
def alerts() -> dict[str, str]:
    """The expressions of the alerts of a repository with every kind, by name, in one environment."""
    verdict = ask({"monitoring": "prometheus-operator", "workloads": EVERY_KIND})
    assert not verdict.refused
    rules = verdict.context["app"]["monitoringRules"]
    found = {rule["alert"]: rule["expr"] for rule in rules}
    assert len(found) == len(rules)
    return {name: text.replace("$(NAMESPACE)", NAMESPACE).replace("$(NAME)", "shop") for name, text in found.items()}


def series(name: str, value: float, namespace: str = NAMESPACE, **labels: str) -> Series:
    """A series of one namespace."""
    return Series(name, {"namespace": namespace, **labels}, value)


def run_of(cronjob: str, job: str, *, start: float, failed: int) -> list[Series]:
    """What kube-state-metrics tells of one run of a CronJob."""
    return [
        series("kube_job_status_start_time", start, job_name=job),
        series("kube_job_owner", 1, job_name=job, owner_kind="CronJob", owner_name=cronjob),
        series("kube_job_failed", failed, job_name=job, condition="true"),
    ]


def cronjob(created: float, succeeded: float | None = None, suspend: int = 0) -> list[Series]:
    """What kube-state-metrics tells of the CronJob itself."""
    last = (
        []
        if succeeded is None
        else [series("kube_cronjob_status_last_successful_time", succeeded, cronjob="shop-clean")]
    )
    return [
        series("kube_cronjob_created", created, cronjob="shop-clean"),
        series("kube_cronjob_spec_suspend", suspend, cronjob="shop-clean"),
        *last,
    ]


def requests(status: str, rate: float, namespace: str = NAMESPACE, pod: str = "shop-5d-x") -> Series:
    """Requests per second that the application answers by one status."""
    labels = {"container": "shop", "pod": pod, "route": "/", "status": status}
    return series("http_requests_total", rate, namespace, **labels)


WEB = {"deployment": "shop"}
HPA = {"horizontalpodautoscaler": "shop"}
CLAIM = {"persistentvolumeclaim": "data-shop-db-2"}
LOOP = {"reason": "CrashLoopBackOff", "pod": "shop-5d-x"}

FIRING: dict[str, tuple[str, list[Series]]] = {
    "no pod": (
        "ShopUnavailable",
        [
            series("kube_deployment_status_replicas_available", 0, **WEB),
            series("kube_deployment_spec_replicas", 2, **WEB),
        ],
    ),
    "a pod of three": (
        "ShopDbUnavailable",
        [
            series("kube_statefulset_status_replicas_ready", 2, statefulset="shop-db"),
            series("kube_statefulset_replicas", 3, statefulset="shop-db"),
        ],
    ),
    "a node without": (
        "ShopAgentUnavailable",
        [series("kube_daemonset_status_number_unavailable", 1, daemonset="shop-agent")],
    ),
    "a Job that failed": (
        "ShopLoadFailed",
        [series("kube_job_failed", 1, job_name="shop-load", condition="true")],
    ),
    "a run that failed": (
        "ShopCleanFailed",
        [*cronjob(1000, 2000), *run_of("shop-clean", "shop-clean-1", start=3000, failed=1)],
    ),
    "a first run that failed": (
        "ShopCleanFailed",
        [*cronjob(1000), *run_of("shop-clean", "shop-clean-1", start=3000, failed=1)],
    ),
    "no success for long": ("ShopCleanOverdue", cronjob(NOW - 90 * 86400, NOW - 3 * 86400)),
    "never a success": ("ShopCleanOverdue", cronjob(NOW - 3 * 86400)),
    "a crash": (
        "ShopCrashLooping",
        [series("kube_pod_container_status_waiting_reason", 1, container="shop", **LOOP)],
    ),
    "a stuck rollout": (
        "ShopRolloutStuck",
        [series("kube_deployment_status_condition", 1, condition="Progressing", status="false", **WEB)],
    ),
    "the maximum": (
        "ShopAtMaximum",
        [
            series("kube_horizontalpodautoscaler_status_current_replicas", 10, **HPA),
            series("kube_horizontalpodautoscaler_spec_max_replicas", 10, **HPA),
            series("kube_horizontalpodautoscaler_spec_min_replicas", 2, **HPA),
        ],
    ),
    "a full volume": (
        "ShopDbVolumeFull",
        [
            series("kubelet_volume_stats_available_bytes", 9, **CLAIM),
            series("kubelet_volume_stats_capacity_bytes", 100, **CLAIM),
        ],
    ),
    "a target that is down": ("ShopMailTargetDown", [series("up", 0, pod="shop-mail-7c-y", container="mail")]),
    "failing requests": ("ShopFailing", [requests("500", 1), requests("200", 9)]),
    "a rejected job": (
        "ShopMailRejecting",
        [series("jobs_total", 1, pod="shop-mail-7c-y", container="mail", outcome="rejected")],
    ),
}

SILENT: dict[str, tuple[str, list[Series]]] = {
    "scaled to nothing": (
        "ShopUnavailable",
        [
            series("kube_deployment_status_replicas_available", 0, **WEB),
            series("kube_deployment_spec_replicas", 0, **WEB),
        ],
    ),
    "a Job whose pod was tried again": (
        "ShopLoadFailed",
        [
            series("kube_job_status_failed", 2, job_name="shop-load"),
            series("kube_job_failed", 0, job_name="shop-load", condition="true"),
        ],
    ),
    "a failed run before a success": (
        "ShopCleanFailed",
        [*cronjob(1000, 4000), *run_of("shop-clean", "shop-clean-1", start=3000, failed=1)],
    ),
    "a run whose pod was tried again": (
        "ShopCleanFailed",
        [*cronjob(1000, 2000), *run_of("shop-clean", "shop-clean-1", start=3000, failed=0)],
    ),
    "a failed run of another": (
        "ShopCleanFailed",
        [*cronjob(1000, 2000), *run_of("other", "other-1", start=3000, failed=1)],
    ),
    "a success of late": ("ShopCleanOverdue", cronjob(NOW - 90 * 86400, NOW - 86400)),
    "new": ("ShopCleanOverdue", cronjob(NOW - 86400)),
    "suspended": ("ShopCleanOverdue", cronjob(NOW - 90 * 86400, suspend=1)),
    "as few as many": (
        "ShopAtMaximum",
        [
            series("kube_horizontalpodautoscaler_status_current_replicas", 1, **HPA),
            series("kube_horizontalpodautoscaler_spec_max_replicas", 1, **HPA),
            series("kube_horizontalpodautoscaler_spec_min_replicas", 1, **HPA),
        ],
    ),
    "a full volume of another": (
        "ShopDbVolumeFull",
        [
            series("kubelet_volume_stats_available_bytes", 9, persistentvolumeclaim="data-db-2"),
            series("kubelet_volume_stats_capacity_bytes", 100, persistentvolumeclaim="data-db-2"),
        ],
    ),
    "few failing requests": ("ShopFailing", [requests("500", 1), requests("200", 99)]),
    "requests that fail elsewhere": (
        "ShopFailing",
        [requests("200", 10), requests("500", 10, "shop-dev"), requests("500", 10, pod="till-5d-x")],
    ),
}


@pytest.mark.parametrize("case", FIRING)
def test_fires(case: str) -> None:
    """An alert fires once for what it is there for, and not for the same in another environment."""
    name, given = FIRING[case]
    assert len(fires(alerts()[name], given, NOW)) == 1
    elsewhere = [Series(each.name, {**each.labels, "namespace": "shop-dev"}, each.value) for each in given]
    assert fires(alerts()[name], elsewhere, NOW) == []
    assert len(fires(alerts()[name], [*given, *elsewhere], NOW)) == 1


@pytest.mark.parametrize("case", SILENT)
def test_is_silent(case: str) -> None:
    """An alert does not fire for what is in order, retried, or somebody else's."""
    name, given = SILENT[case]
    assert fires(alerts()[name], given, NOW) == []


def test_every_alert_is_tried() -> None:
    """An alert that is added cannot go untested: each kind of it fires above."""
    prefix = re.compile(f"Shop(?:{'|'.join(entry['name'].title() for entry in EVERY_KIND)})?")
    assert {prefix.sub("", name) for name in alerts()} == {prefix.sub("", name) for name, _ in FIRING.values()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["deployment", "statefulset", "daemonset", "job", "cronjob"])
def test_every_kind_is_watched_in_every_environment(kind: str, render: Renderer) -> None:
    """In both renderings: each workload, about its own namespace, objects and containers."""
    answers: Answers = {"workload_kind": kind, "monitoring": "prometheus-operator", "workloads": EVERY_KIND}
    expect_none(findings(render(answers), ["relations", "parity"]), answers)


def test_the_namespace_is_in_the_first_quotes() -> None:
    """That is where an overlay replaces it; it stands nowhere else."""
    for name, expression in alerts().items():
        assert expression.split('"')[1] == NAMESPACE, name
        assert expression.count(NAMESPACE) == 1, name


def test_panels_are_promql() -> None:
    """What Grafana draws can be parsed, and is about the namespace that was chosen."""
    verdict = ask({"monitoring": "prometheus-operator", "workloads": EVERY_KIND})
    text = (
        environment().get_template("template/project/deploy/chart/files/dashboard.json.jinja").render(verdict.context)
    )
    panels = json.loads(text)["panels"]
    assert {panel["title"].partition(": ")[0] for panel in panels} >= {
        f"shop-{entry['name']}" for entry in EVERY_KIND
    }
    for panel in panels:
        found = selectors(panel["targets"][0]["expr"].replace("$(NAME)", "shop"))
        namespaces = [
            each.value for selector in found for each in selector.matchers.matchers if each.name == "namespace"
        ]
        assert namespaces == ["$namespace"], panel["title"]
