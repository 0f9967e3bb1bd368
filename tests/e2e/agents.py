"""DaemonSets: an agent on every node, and one that reads the node's logs."""

import json
import re
from functools import partial
from typing import Any

from e2e.environment import Environment, Topic, deploy, identify
from e2e.promises import BrokenPromiseError, Report, check, until

LINE = "error: planted for the agent"
COMPLAIN = f"import time; print('quiet start'); print('{LINE}', flush=True); time.sleep(3600)"
NODE_LOGS = "/var/log/pods"


def measure(report: Report, it: Environment) -> None:
    """Put the node agent to the test."""
    deploy(report, it)
    identify(report, it)
    with report.step("a pod on every node", it) as measured:
        nodes = {node["metadata"]["name"]: node for node in it.get("nodes")}
        pods = {pod["spec"]["nodeName"]: name for name, pod in it.pods().items()}
        check(pods.keys() == nodes.keys() and len(it.pods()) == len(nodes), f"{pods} on {sorted(nodes)}")
        measured.append(f"{len(nodes)} node(s)")
    with report.step("its metrics tell the memory and the processors of the node", it):
        for node, pod in pods.items():
            metrics = it.fetch(pod, "http://localhost:9090/metrics")
            capacity = nodes[node]["status"]["capacity"]
            memory = number(metrics, f'node_agent_memory_bytes{{node="{node}",state="total"}}')
            check(memory == int(capacity["memory"].removesuffix("Ki")) * 1024, f"{memory} of {capacity}")
            cpus = number(metrics, f'node_agent_cpus{{node="{node}"}}')
            check(cpus == int(capacity["cpu"]), f"{cpus} of {capacity}")


def number(metrics: str, series: str) -> float:
    """Return the value of a series."""
    found = re.search(rf"^{re.escape(series)} (\S+)$", metrics, re.MULTILINE)
    check(found, f"no {series} in\n{metrics}")
    return float(found[1]) if found else 0


def read(report: Report, it: Environment) -> None:
    """Put the log agent to the test."""
    deploy(report, it)
    with report.step("admitted with the node's logs alone, read-only", it):
        for name, pod in it.pods().items():
            paths = [volume["hostPath"]["path"] for volume in pod["spec"]["volumes"] if "hostPath" in volume]
            check(paths == [NODE_LOGS], f"{name} mounts {paths}")
            attempt = f"import os\ntry: os.mkdir('{NODE_LOGS}/e2e')\nexcept OSError as error: print(error.strerror)"
            check("Read-only" in it.python(name, attempt), f"{name} writes to {NODE_LOGS}")
    with report.step("the policy refuses whatever else the namespace's level would admit", it) as measured:
        offences = {
            "a hostPath is none of those": mounting("/etc"),
            "is mounted read-only": mounting(NODE_LOGS, read_only=False),
            "shares no other namespace": {"hostPID": True},
        }
        for message, offence in offences.items():
            pod = json.dumps(it.pod("offender", "", **offence))
            # A policy takes effect some moments after it was made.
            until(partial(refuses, it, pod, message), f"{offence} is refused: {message}")
        measured.append(f"{len(offences)} offences")
        harmless = json.dumps(it.pod("reader", "", **mounting(NODE_LOGS)))
        it.kubectl("create", "--dry-run=server", "--filename=-", stdin=harmless)
    with report.step("ships the matching line of another pod's log, and no other", it):
        it.kubectl("create", "--filename=-", stdin=json.dumps(it.pod("other", COMPLAIN)))
        (agent,) = it.pods()
        until(lambda: shipped(it, agent), f"{agent} repeats the line of the other pod")
        (match,) = shipped(it, agent)
        origin = {key: match["from"][key] for key in ("namespace", "pod", "container", "stream")}
        check(origin == {"namespace": it.namespace, "pod": "other", "container": "other", "stream": "stdout"}, origin)
        check(match["line"] == LINE, match)


def mounting(path: str, *, read_only: bool = True) -> dict[str, Any]:
    """Return what a pod needs to mount a folder of the node."""
    mount = {"name": "node", "mountPath": "/node", "readOnly": read_only}
    return {"volumes": [{"name": "node", "hostPath": {"path": path}}], "volumeMounts": [mount]}


def refuses(it: Environment, pod: str, message: str) -> bool:
    """Whether the API server refuses a pod with this message."""
    try:
        it.kubectl("create", "--dry-run=server", "--filename=-", stdin=pod)
    except BrokenPromiseError as error:
        return message in str(error)
    return False


def shipped(it: Environment, agent: str) -> list[dict[str, Any]]:
    """Return the lines of the other pod that the agent has repeated."""
    matches = [entry for entry in it.entries(agent) if entry["message"] == "match"]
    return [entry for entry in matches if entry["from"]["pod"] == "other"]


TOPICS = {
    "node-agent": Topic({"workload_kind": "daemonset", "preset": "node-agent"}, measure),
    "log-agent": Topic({"workload_kind": "daemonset", "preset": "log-agent"}, read, level="privileged"),
}
