"""The guestbook: a frontend that finds two databases by the names of their Services.

No registry is asked. Under the names of its images run stand-ins: for Redis the one of the base image's distribution,
for the frontend a small program that does what the original does.
"""

import json

from e2e.environment import Environment, Topic, deploy, is_ready
from e2e.promises import Report, check, until
from support import golden

PORT = 6379
TALK = f"""
import socket, sys
with socket.create_connection((sys.argv[1], {PORT}), timeout=10) as connection:
    connection.sendall(sys.argv[2].encode() + b"\\r\\nQUIT\\r\\n")
    print(b"".join(iter(lambda: connection.recv(4096), b"")).decode())
"""


def sign(report: Report, it: Environment) -> None:
    """Put the guestbook to the test."""
    deploy(report, it)
    with report.step("frontend, leader and followers are ready", it) as measured:
        sizes = {}
        for name in (it.app, f"{it.app}-leader", f"{it.app}-followers"):
            pods = it.pods(name)
            size = it.get(f"deployment/{name}")["spec"]["replicas"]
            check(len(pods) == size and all(map(is_ready, pods.values())), f"{name}: {sorted(pods)}")
            sizes[name] = size
        measured.append(", ".join(f"{size} {name}" for name, size in sizes.items()))
    with report.step("each is reached under the name of its own Service", it):
        it.start_client()
        status, body = it.ask("GET", f"http://{it.app}/")
        check((status, json.loads(body)) == (200, []), f"{status} {body}")
        for name, role in (("leader", "role:master"), ("followers", "role:slave")):
            said = talk(it, f"{it.app}-{name}", "INFO replication")
            check(role in said, f"{name} says {said}")
    with report.step("what is written by the leader is read from the followers", it):
        status, body = it.ask("POST", f"http://{it.app}/", "Hello from the client")
        check(status == 204, f"{status} {body}")
        written = json.dumps(["Hello from the client"])
        until(lambda: it.ask("GET", f"http://{it.app}/") == (200, written), "the followers know the entry")
        said = talk(it, f"{it.app}-leader", "INFO replication")
        check(f"connected_slaves:{it.get(f'deployment/{it.app}-followers')['spec']['replicas']}" in said, said)


def talk(it: Environment, host: str, command: str) -> str:
    """Return what a database answers to the client."""
    return it.python("client", TALK, host, command)


ANSWERS = golden.ANSWERS["guestbook"]
(REDIS,) = {workload["image"] for workload in ANSWERS["workloads"]}
TOPICS = {"guestbook": Topic(ANSWERS, sign, stand_ins={ANSWERS["image"]: "frontend", REDIS: "redis"})}
