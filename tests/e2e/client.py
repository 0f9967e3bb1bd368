"""Runs in a pod beside the application, as `python -c "$(cat client.py)" MODE HOST`, and prints what it saw as JSON.

Mode `load` asks again and again, each time on a new connection, until standard input closes. Mode `slow` asks several
times on one connection, and reads the answers only some seconds after HOST has stopped taking new connections.
"""

import contextlib
import http.client
import json
import socket
import sys
import threading
import time
import urllib.request
from typing import Any

PORT = 8080
REQUESTS = 8
PATIENCE = 60
DAWDLE = 5  # for this long the server waits in vain


def load(host: str) -> dict[str, Any]:
    """Return how many requests were sent, and how those failed that did."""
    standard_input = threading.Thread(target=sys.stdin.read, daemon=True)
    standard_input.start()
    sent, failures = 0, []
    while standard_input.is_alive():
        sent += 1
        try:
            urllib.request.urlopen(f"http://{host}/", timeout=10).read()
        except (OSError, http.client.HTTPException) as error:
            failures.append(repr(error))
        time.sleep(0.02)
    return {"sent": sent, "failures": failures}


def slow(host: str) -> list[dict[str, Any]]:
    """Return status and completeness of each answer. Unread, the first of them fill all buffers, and HOST waits."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect((host, PORT))
        client.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n" * REQUESTS)
        sys.stdout.write("sent\n")
        sys.stdout.flush()
        deadline = time.monotonic() + PATIENCE
        with contextlib.suppress(ConnectionRefusedError):
            while time.monotonic() < deadline:
                socket.create_connection((host, PORT), timeout=5).close()
                time.sleep(0.2)
        time.sleep(DAWDLE)
        data = b"".join(iter(lambda: client.recv(65536), b""))
    answers = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        status, *lines = head.decode().lower().split("\r\n")
        length = int(dict(line.split(": ", 1) for line in lines)["content-length"])
        answers.append({"status": status, "whole": len(data) >= length})
        data = data[length:]
    return answers


if __name__ == "__main__":
    result = slow(sys.argv[2]) if sys.argv[1] == "slow" else load(sys.argv[2])
    sys.stdout.write(json.dumps(result) + "\n")
