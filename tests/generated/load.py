"""Puts load on a datastore: `python load.py puts|gets|half_open COUNT DATA_DIR`, beside the package `app`.

Prints, as JSON, how many clients got what they should and the program's peak of memory. Only loopback is used.
"""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

SIZE = 1024 * 1024
ALONE = "Connection: close\r\n\r\n"


def free_port() -> int:
    """Find a port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def ask(port: int, request: bytes, pause: float = 0) -> bytes:
    """Send a request on a connection of its own, and return what comes until it is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(ConnectionError):
        writer.write(request)
        await writer.drain()
        await asyncio.sleep(pause)
        return await reader.read()
    return b""


async def put(port: int, number: int) -> bool:
    """Put a value of a mebibyte."""
    head = f"PUT /keys/{number} HTTP/1.1\r\nHost: a\r\nContent-Length: {SIZE}\r\n{ALONE}"
    return b" 204 " in (await ask(port, head.encode() + bytes(SIZE)))[:20]


async def get(port: int, _: int) -> bool:
    """Read a value of a mebibyte, after a while in which the program has to keep it ready."""
    return len(await ask(port, f"GET /keys/0 HTTP/1.1\r\nHost: a\r\n{ALONE}".encode(), pause=3)) > SIZE


async def hang(port: int, _: int) -> bool:
    """Begin a request, and wait for the program to give up within 20 seconds."""
    async with asyncio.timeout(20):
        return await ask(port, b"GET / HTTP/1.1\r\nHost:") == b""


async def main(load: str, count: int, data: str) -> None:
    """Start a datastore, load it, and say how it went."""
    port = free_port()
    ports = {"HTTP_PORT": str(port), "METRICS_PORT": str(free_port()), "BIND_ADDRESS": "127.0.0.1"}
    environment = {**os.environ, **ports, "DATA_DIR": data, "POD_NAME": "shop-0", "LOG_LEVEL": "error"}
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.datastore", env=environment, stdout=subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(20):
            while True:
                with suppress(OSError):
                    await put(port, 0)
                    break
                await asyncio.sleep(0.1)
        client = {"puts": put, "gets": get, "half_open": hang}[load]
        served = await asyncio.gather(*(client(port, number) for number in range(count)))
        status = await asyncio.to_thread(Path(f"/proc/{program.pid}/status").read_text)
    finally:
        program.kill()
        await program.wait()
    peak = re.search(r"VmHWM:\s+(\d+)", status)
    sys.stdout.write(json.dumps({"served": sum(served), "peak_mebibytes": int(peak[1]) // 1024 if peak else -1}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
