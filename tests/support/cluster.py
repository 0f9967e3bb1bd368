"""A real Kubernetes control plane on loopback: etcd, kube-apiserver and kube-controller-manager, and no node.

Objects are admitted, defaulted, counted by quotas and turned into Pods as in any cluster; the Pods stay Pending.
The user's own cluster is never touched: every call names this cluster's kubeconfig.

The three servers are children of a supervisor, which is this file run as a program. It ends them when it is told
to (`stop`), and by itself when the process that owns the test run is gone, however that one ended. Should the
supervisor be killed, the kernel kills the servers.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

START_SECONDS = 90
STOP_SECONDS = 10
PR_SET_PDEATHSIG = 1  # linux/prctl.h

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{{name: test, cluster: {{server: "{server}", certificate-authority: "{authority}"}}}}]
users: [{{name: {user}, user: {{token: "{token}"}}}}]
contexts: [{{name: test, context: {{cluster: test, user: {user}}}}}]
current-context: test
"""


class ClusterError(Exception):
    """The cluster did not start, or did not do in time what it was asked; the message says which part and why."""


@dataclass(frozen=True)
class Cluster:
    """A running cluster, and how to talk to it as its administrator."""

    kubeconfig: Path
    server: str
    programs: Path

    @property
    def directory(self) -> Path:
        """Where the cluster keeps its data, keys and logs (etcd.log, kube-apiserver.log, …)."""
        return self.kubeconfig.parent

    def kubectl(self, *arguments: str, input: str | None = None) -> subprocess.CompletedProcess[str]:  # noqa: A002 - subprocess's own name
        """Run kubectl against this cluster, whatever its exit code.

        Nothing of the environment is passed on but PATH, so neither KUBECONFIG nor a proxy can lead elsewhere.
        """
        return subprocess.run(
            [str(self.programs / "kubectl"), f"--kubeconfig={self.kubeconfig}", *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.directory)},
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            check=False,
        )

    def install_crds(self, files: Sequence[Path]) -> None:
        """Install custom resource definitions and wait until the server serves them; to repeat it is harmless.

        Raises ClusterError if a definition is refused.
        """
        sources = [f"--filename={file}" for file in files]
        # Server-side, because some definitions are too large for the annotation that a client-side apply keeps.
        for command in (["apply", "--server-side"], ["wait", "--for=condition=Established", "--timeout=30s"]):
            done = self.kubectl(*command, *sources)
            if done.returncode:
                raise ClusterError(f"custom resource definitions: {done.stderr.strip()}")


def ensure(directory: Path, programs: Path, owner: int) -> Cluster:
    """Return the cluster that lives in `directory`, started first if this is the first call, in any process.

    The cluster ends when `stop` is called or the process `owner` is gone. `programs` holds the servers and kubectl.
    Raises ClusterError if it does not start; later callers get the same error without another attempt.
    """
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "pid").exists() and not (directory / "failed").exists():
            _launch_supervisor(directory, programs, owner)
        _wait_until(lambda: _has_started(directory), START_SECONDS, f"no cluster; see {directory}/*.log")
    server = json.loads((directory / "ready").read_text())["server"]
    return Cluster(directory / "kubeconfig", server, programs)


def stop(directory: Path) -> None:
    """End the cluster that lives in `directory`, if there is one, and return when its processes are gone."""
    pid_file = directory / "pid"
    try:
        pid = int(pid_file.read_text())
    except FileNotFoundError:
        return
    if _is_alive(pid):
        os.kill(pid, signal.SIGTERM)
        # The supervisor takes its pid file away when the servers are gone. Its process cannot be waited for: it is
        # no child of ours.
        _wait_until(lambda: not pid_file.exists() or not _is_alive(pid), STOP_SECONDS, f"process {pid} does not end")


def _launch_supervisor(directory: Path, programs: Path, owner: int) -> None:
    command = [sys.executable, __file__, str(directory), str(programs), str(owner)]
    with (directory / "supervisor.log").open("wb") as log:
        # A session of its own: Ctrl-C at the terminal is pytest's to handle.
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, check=True)


def _has_started(directory: Path) -> bool:
    if (directory / "failed").exists():
        raise ClusterError((directory / "failed").read_text())
    return (directory / "ready").exists()


def _wait_until(condition: Callable[[], bool], seconds: float, complaint: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ClusterError(f"{complaint} (waited {seconds:.0f} s)")
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class _Supervisor:
    """Starts the servers, watches over them, and ends them."""

    def __init__(self, directory: Path, programs: Path, owner: int) -> None:
        self.directory = directory
        self.programs = programs
        self.owner = owner
        self.servers: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self) -> Cluster:
        directory = self.directory
        etcd = f"unix://{directory}/etcd.sock:0"  # etcd insists on a port and takes it for a part of the file's name
        tokens = {"admin": secrets.token_hex(16), "controller-manager": secrets.token_hex(16)}
        (directory / "tokens.csv").write_text(
            f'{tokens["admin"]},admin,admin,"system:masters"\n'
            f"{tokens['controller-manager']},system:kube-controller-manager,controller-manager\n"
        )
        _write_signing_key(directory / "service-accounts.key")
        port = self._reserve_port()
        cluster = Cluster(directory / "kubeconfig", f"https://127.0.0.1:{port}", self.programs)
        for user, file in (("admin", "kubeconfig"), ("controller-manager", "controller-manager.kubeconfig")):
            authority = directory / "pki/apiserver.crt"
            text = KUBECONFIG.format(server=cluster.server, authority=authority, user=user, token=tokens[user])
            (directory / file).write_text(text)

        self._spawn("etcd", _etcd_flags(directory, etcd))
        self._spawn("kube-apiserver", _apiserver_flags(directory, etcd, port))
        self._await("kube-apiserver", lambda: cluster.kubectl("get", "--raw=/readyz").returncode == 0)
        self._spawn("kube-controller-manager", _controller_manager_flags(directory))
        account = ("get", "serviceaccount", "default", "--namespace=default")
        self._await("kube-controller-manager", lambda: cluster.kubectl(*account).returncode == 0)
        return cluster

    def watch(self) -> None:
        while _is_alive(self.owner):
            self._check()
            time.sleep(0.2)

    def end(self) -> None:
        # Nothing of the cluster is kept, so nobody needs the seconds that an orderly end would take.
        for _, process in reversed(self.servers):
            process.kill()
        for _, process in self.servers:
            process.wait()

    def _spawn(self, name: str, flags: Sequence[str]) -> None:
        with (self.directory / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(self.programs / name), *flags],
                cwd=self.directory,
                # There is memory enough to collect garbage more seldom than by default, which is 100.
                env={"PATH": os.environ["PATH"], "HOME": str(self.directory), "GOGC": "400"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads here
            )
        self.servers.append((name, process))

    def _await(self, name: str, condition: Callable[[], bool]) -> None:
        def is_ready() -> bool:
            self._check()
            return condition()

        _wait_until(is_ready, START_SECONDS, f"{name} is not ready; see {self.directory / name}.log")

    def _check(self) -> None:
        for name, process in self.servers:
            if process.poll() is not None:
                log = self.directory / f"{name}.log"
                end = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
                raise ClusterError(f"{name} ended with {process.returncode}; its last words in {log}:\n{end}")
        if not _is_alive(self.owner):
            raise ClusterError(f"the test run, process {self.owner}, is gone")

    def _reserve_port(self) -> int:
        # The socket stays bound, and kube-apiserver shares its port: nobody else can take it in between.
        self.reservation = socket.socket()
        self.reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.reservation.bind(("127.0.0.1", 0))
        port: int = self.reservation.getsockname()[1]
        return port


def _etcd_flags(directory: Path, url: str) -> list[str]:
    peers = "unix://etcd-peers.sock:0"  # relative to the working directory; there are no peers
    return [
        f"--data-dir={directory / 'etcd'}",
        "--unsafe-no-fsync",
        "--log-level=warn",
        "--name=test",
        f"--listen-client-urls={url}",
        "--advertise-client-urls=unix://etcd.sock:0",  # nobody reads it, and etcd refuses a path here
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=test={peers}",
    ]


def _apiserver_flags(directory: Path, etcd: str, port: int) -> list[str]:
    key = directory / "service-accounts.key"
    return [
        f"--etcd-servers={etcd}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        "--permit-port-sharing",
        # Endpoints may not hold a loopback address, so those of the Service `kubernetes` stay empty.
        "--endpoint-reconciler-type=none",
        f"--cert-dir={directory / 'pki'}",
        f"--token-auth-file={directory / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--allow-privileged",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
    ]


def _controller_manager_flags(directory: Path) -> list[str]:
    return [
        f"--kubeconfig={directory / 'controller-manager.kubeconfig'}",
        "--use-service-account-credentials",
        # Each controller asks for an account of its own first; the default rate makes that take five seconds.
        "--kube-api-qps=1000",
        "--kube-api-burst=1000",
        # There are no metrics to scale by, and to find that out for each autoscaler keeps the server busy.
        "--horizontal-pod-autoscaler-sync-period=1h",
        f"--service-account-private-key-file={directory / 'service-accounts.key'}",
        f"--root-ca-file={directory / 'pki/apiserver.crt'}",
        "--leader-elect=false",
        "--secure-port=0",
    ]


def _write_signing_key(path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        raise ClusterError("openssl is not on PATH: install it, the cluster signs its tokens with a key of its own")
    # `ecparam`, not `genpkey`: kube-apiserver reads no elliptic key in PKCS 8.
    command = [openssl, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def _as_daemon(pid_file: Path) -> Iterator[None]:
    """Go on as a child of nobody, so that whoever launched this process needs not wait for it.

    The pid file stands before the launcher is told, and goes when the block ends.
    """
    child = os.fork()
    if child:
        pid_file.write_text(str(child))
        os._exit(0)
    try:
        yield
    finally:
        pid_file.unlink(missing_ok=True)


def _supervise(directory: Path, programs: Path, owner: int) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    supervisor = _Supervisor(directory, programs, owner)
    try:
        cluster = supervisor.start()
        _publish(directory / "ready", json.dumps({"server": cluster.server}))
        supervisor.watch()
    except (ClusterError, OSError, subprocess.CalledProcessError) as error:
        _publish(directory / "failed", str(error))
    finally:
        supervisor.end()


def _publish(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.rename(path)


def main() -> None:
    """Supervise a cluster until it is told to end; the launching process gets its prompt back at once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("programs", type=Path)
    parser.add_argument("owner", type=int)
    arguments = parser.parse_args()
    with _as_daemon(arguments.directory / "pid"):
        _supervise(arguments.directory, arguments.programs, arguments.owner)
    if not _is_alive(arguments.owner):
        shutil.rmtree(arguments.directory, ignore_errors=True)  # nobody else is left to do it


if __name__ == "__main__":
    main()
