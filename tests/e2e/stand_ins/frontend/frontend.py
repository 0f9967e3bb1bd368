"""Serves a guestbook on port 80: POST appends an entry by the leader, GET lists them as the followers know them."""

import json
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LEADER, FOLLOWERS, PORT = "guestbook-leader", "guestbook-followers", 6379


def redis(host: str, *words: str) -> list[str]:
    """Return what the database answers: the items of a list, or none."""
    with socket.create_connection((host, PORT), timeout=5) as connection, connection.makefile("rwb") as stream:
        stream.write(b"*%d\r\n" % len(words))
        for word in words:
            stream.write(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()))
        stream.flush()
        kind, rest = (line := stream.readline())[:1], line[1:]
        if kind == b"-" or not kind:
            raise OSError(rest.decode() or f"{host} says nothing")
        if kind != b"*":
            return []
        items = []
        for _ in range(int(rest)):
            size = int(stream.readline()[1:])
            items.append(stream.read(size + 2)[:-2].decode())
        return items


class Guestbook(BaseHTTPRequestHandler):
    """Answers readers and writers."""

    def do_GET(self) -> None:
        """List the entries."""
        self.answer(200, lambda: redis(FOLLOWERS, "LRANGE", "entries", "0", "-1"))

    def do_POST(self) -> None:
        """Append an entry."""
        entry = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.answer(204, lambda: redis(LEADER, "RPUSH", "entries", entry))

    def answer(self, status: int, work: Callable[[], list[str]]) -> None:
        """Do what was asked for, and say how it went."""
        try:
            body = json.dumps(work()).encode()
        except OSError as error:
            status, body = 502, str(error).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)


ThreadingHTTPServer(("", 80), Guestbook).serve_forever()
