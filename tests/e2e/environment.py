"""A namespace of a generated application: how it is deployed to, asked, watched, and left as it was found."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from e2e.promises import PATIENCE, Report, call, check, parse, print_line

CLIENT = Path(__file__).with_name("client.py").read_text(encoding="utf-8")
IDENTITY = "import os; print(os.getuid(), os.getgid(), bool(os.statvfs('/').f_flag & os.ST_RDONLY))"
# Prints status and body of one request; 0 is the status of a host that does not answer.
ASK = """
import json, sys, urllib.error, urllib.request
method, url, data = sys.argv[1:]
request = urllib.request.Request(url, data.encode() if data else None, method=method)
try:
    with urllib.request.urlopen(request, timeout=10) as answer:
        print(json.dumps([answer.status, answer.read().decode()]))
except urllib.error.HTTPError as error:
    print(json.dumps([error.code, error.read().decode()]))
except OSError as error:
    print(json.dumps([0, repr(error)]))
"""
DIAGNOSIS = """\
get all,resourcequotas --output=wide
get events --sort-by=.lastTimestamp
describe pods
logs --selector=app.kubernetes.io/name --all-containers --prefix --tail=30"""


class Environment:
    """A namespace of an application. What deployers do is done with the rights of their group, and no others."""

    def __init__(self, kubeconfig: Path, repository: Path, name: str) -> None:
        """Read the names from the repository, and write a kubeconfig for its deployers beside it."""
        self.name, self.app, self.repository = name, repository.name, repository
        self.title = f"{self.app.removeprefix('e2e-')}, {name}"
        self.platform = repository / "deploy/platform" / name
        self.overlay = repository / "deploy/overlays" / name
        self.folder = repository / "deploy/environments" / name
        folder, overlay = (
            yaml.safe_load((path / "kustomization.yaml").read_text(encoding="utf-8"))
            for path in (self.folder, self.overlay)
        )
        self.namespace: str = folder["namespace"]
        self.image: str = f"{folder['images'][0]['newName']}:{overlay['images'][0]['newTag']}"
        self.target = [f"--kubeconfig={kubeconfig}", f"--namespace={self.namespace}"]
        self.deployers = repository.with_name(f"{self.app}-{name}.kubeconfig")
        self._become_deployer(kubeconfig)

    def _become_deployer(self, kubeconfig: Path) -> None:
        """Write a kubeconfig in which an administrator is no more than one of the deployers."""
        (binding,) = find("RoleBinding", call("kubectl", "kustomize", self.platform))
        view = call("kubectl", f"--kubeconfig={kubeconfig}", "config", "view", "--raw", "--flatten", "--minify")
        config = yaml.safe_load(view)
        config["users"][0]["user"] |= {"as": "someone", "as-groups": [binding["subjects"][0]["name"]]}
        self.deployers.write_text(yaml.safe_dump(config), encoding="utf-8")
        self.deployers.chmod(0o600)

    def kubectl(self, *arguments: str | Path, stdin: str = "") -> str:
        """Run kubectl as an administrator; a warning is a failure."""
        return call("kubectl", *self.target, "--warnings-as-errors", *arguments, stdin=stdin)

    def deployer(self, *arguments: str | Path, stdin: str = "") -> str:
        """Run kubectl as one of the deployers."""
        target = [f"--kubeconfig={self.deployers}", f"--namespace={self.namespace}"]
        return call("kubectl", *target, "--warnings-as-errors", *arguments, stdin=stdin)

    def helm(self, *arguments: str | Path) -> str:
        """Run helm as one of the deployers."""
        target = [f"--kubeconfig={self.deployers}", f"--namespace={self.namespace}"]
        return call("helm", *target, f"--timeout={PATIENCE}s", *arguments)

    def make(self, target: str) -> str:
        """Run a target of the generated Makefile as one of the deployers."""
        arguments = [target, f"ENV={self.name}", f"TIMEOUT={PATIENCE}s"]
        return call("make", *arguments, cwd=self.repository, env={"KUBECONFIG": str(self.deployers)})

    def get(self, what: str, *arguments: str) -> Any:
        """Return an object, or the items of a list."""
        found = parse(self.kubectl("get", what, *arguments, "--output=json"))
        return found.get("items", found)

    def pods(self, workload: str = "") -> dict[str, Any]:
        """Return a workload's pods by name, without those that are on their way out."""
        found = self.get("pods", f"--selector=app.kubernetes.io/name={workload or self.app}")
        return {pod["metadata"]["name"]: pod for pod in found if "deletionTimestamp" not in pod["metadata"]}

    @property
    def tool(self) -> str:
        """The target of the generated Makefile that deploys: the one renders by Kustomize, the other by Helm."""
        return "apply" if self.name == "dev" else "helm-install"

    def configure(self, config: dict[str, str]) -> None:
        """Change keys of the configuration as the README says: for Kustomize and for Helm, which must agree."""
        literals = [f"{key}={value}" for key, value in config.items()]
        generator = {"name": self.app, "behavior": "merge", "literals": literals}
        edit(self.overlay / "kustomization.yaml", configMapGenerator=[generator])
        edit(self.repository / f"deploy/chart/values-{self.name}.yaml", config=config)

    def roll_out(self, config: dict[str, str] | None = None) -> None:
        """Deploy and wait for pods that are ready and for Jobs that have ended."""
        if config:
            self.configure(config)
        self.make(self.tool)

    def await_rollout(self) -> None:
        """Wait until the latest pods are ready and the others are on their way out."""
        self.deployer("rollout", "status", f"deployment/{self.app}", f"--timeout={PATIENCE}s")

    def python(self, pod: str, code: str, *arguments: str) -> str:
        """Run Python in a pod; what it prints."""
        return self.kubectl("exec", pod, "--", "python", "-c", code, *arguments).strip()

    def fetch(self, pod: str, url: str) -> str:
        """Return what a pod gets from a URL."""
        return self.python(pod, f"import urllib.request as u; print(u.urlopen('{url}', timeout=10).read().decode())")

    def ask(self, method: str, url: str, data: str = "") -> tuple[int, str]:
        """Return status and body of the client's request."""
        status, body = parse(self.python("client", ASK, method, url, data))
        return status, body

    def entries(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the log of the application's container: of a pod, or of those that a selector finds."""
        log = self.kubectl("logs", f"--container={self.app}", "--tail=-1", *arguments)
        return [parse(line) for line in log.splitlines()]

    def pod(self, name: str, code: str, **more: Any) -> dict[str, Any]:
        """Return a pod that runs other Python in the application's image, admitted like that of `helm test`."""
        rendered = yaml.safe_load_all(call("kubectl", "kustomize", self.folder))
        workloads = {each["metadata"]["name"]: pod_spec(each) for each in rendered if pod_spec(each)}
        spec = workloads[self.app]
        container = {key: spec["containers"][0][key] for key in ("image", "resources", "securityContext")}
        container |= {"name": name, "command": ["python", "-c", code], "volumeMounts": more.pop("volumeMounts", [])}
        spec = {"securityContext": spec["securityContext"], "containers": [container], "restartPolicy": "Never"}
        labels = {f"app.kubernetes.io/{key}": self.app for key in ("part-of", "instance")}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}}
        return pod | {"spec": spec | {"terminationGracePeriodSeconds": 1} | more}

    def start_client(self, **more: Any) -> None:
        """Start a pod that waits to be told what to ask."""
        pod = self.pod("client", "import time; time.sleep(3600)", **more)
        self.kubectl("apply", "--filename=-", stdin=json.dumps(pod))
        self.kubectl("wait", "--for=condition=Ready", "pod/client", f"--timeout={PATIENCE}s")

    @contextmanager
    def client(self, mode: str, host: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run client.py in that pod."""
        command = ["kubectl", *self.target, "exec", "--stdin", "client", "--", "python", "-c", CLIENT, mode, host]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
            try:
                yield process
            finally:
                process.kill()

    def stop(self, pod: str) -> list[dict[str, Any]]:
        """Delete a pod; what it logs from SIGTERM to its last word."""
        command = ["kubectl", *self.target, "logs", "--follow", f"pod/{pod}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as log:
            check(log.stdout and log.stdout.readline(), f"{pod} logs nothing")  # from now on nothing is missed
            self.deployer("delete", "pod", pod, "--wait=false")
            entries = [parse(line) for line in log.communicate(timeout=PATIENCE)[0].splitlines()]
        messages = [entry["message"] for entry in entries]
        check("stopping" in messages and messages[-1] == "stopped", f"{pod} logs {entries}")
        return entries[messages.index("stopping") :]

    def replaced(self, pod: dict[str, Any]) -> bool:
        """Whether another pod of the same name is ready."""
        before = pod["metadata"]
        return any(
            name == before["name"] and now["metadata"]["uid"] != before["uid"] and is_ready(now)
            for name, now in self.pods().items()
        )

    def diagnose(self) -> None:
        """Print what helps to find out why a step failed."""
        for question in DIAGNOSIS.splitlines():
            print_line(f"--- kubectl {question}")
            subprocess.run(["kubectl", *self.target, *question.split()], check=False)


@dataclass(frozen=True)
class Topic:
    """A repository to generate, and what it promises in each of its environments."""

    answers: dict[str, Any]
    prove: Callable[[Report, Environment], None]
    level: str = "restricted"
    """The Pod Security Standard of the namespaces."""
    stand_ins: dict[str, str] = field(default_factory=dict)
    """Folders of `stand_ins/`, by the name of the image whose place each takes."""
    patches: dict[str, tuple[str, str]] = field(default_factory=dict)
    """What its owner changes: by file, a text and what takes its place."""


def find(kind: str, text: str) -> list[Any]:
    """Return the objects of a kind in a text of YAML documents."""
    return [each for each in yaml.safe_load_all(text) if each["kind"] == kind]


def edit(path: Path, **change: Any) -> None:
    """Set keys in a YAML file."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(content | change), encoding="utf-8")


def pod_spec(workload: dict[str, Any]) -> Any:
    """Return the pod of a workload, if it is one."""
    spec = workload.get("spec", {})
    return spec.get("jobTemplate", {}).get("spec", spec).get("template", {}).get("spec")


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether a pod takes requests."""
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", []))


def deploy(report: Report, it: Environment) -> None:
    """Deploy for the first time."""
    with report.step(f"Ready after `make {it.tool}` with no more than the deployers' rights", it):
        it.roll_out()
    look(report, it)


def look(report: Report, it: Environment) -> None:
    """Look at what was deployed, as the runbook says."""
    with report.step("`make status` shows it", it):
        shown = it.make("status")
        check(it.app in shown, shown)
    if it.tool == "apply":
        with report.step("`make diff` finds no difference", it):
            differences = it.make("diff")
            check("\ndiff " not in differences, differences)


def identify(report: Report, it: Environment) -> None:
    """See who the application's processes are."""
    with report.step("runs as 10001:10001 on a read-only root", it):
        seen = {pod: it.python(pod, IDENTITY) for pod in it.pods()}
        check(set(seen.values()) == {"10001 10001 True"}, seen)


def helm_test(report: Report, it: Environment) -> None:
    """Run the chart's own test."""
    if it.tool == "helm-install":
        with report.step("`helm test` passes", it):
            it.helm("test", it.app)


@contextmanager
def occupied(report: Report, it: Environment, level: str) -> Iterator[None]:
    """Have a namespace for a while. It must not exist before: it might be somebody's."""
    it.kubectl("create", "namespace", it.namespace)
    try:
        with report.step(f"namespace with quota and deployers, enforces `{level}`", it):
            it.kubectl("apply", "--server-side", "--kustomize", it.platform)
            labels = it.get(f"namespace/{it.namespace}")["metadata"]["labels"]
            check(labels["pod-security.kubernetes.io/enforce"] == level, labels)
        yield
    finally:
        it.kubectl("delete", "--ignore-not-found", f"--timeout={PATIENCE}s", "--kustomize", it.platform)
