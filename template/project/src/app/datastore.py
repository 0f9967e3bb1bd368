"""The datastore: `python -m app.datastore`, a shard of a key-value service on its own volume.

A key belongs to the pod whose ordinal is its hash modulo REPLICAS; the others send the client
there. Nothing is copied: raising REPLICAS gives keys to other pods, but does not move their values.
"""

import asyncio
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote
from zlib import crc32

from prometheus_client import Counter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from app.lifecycle import stop_on_signal
from app.server import ServerSettings, application, serve
from app.settings import Positive, load, refuse
from app.store import Store
from app.telemetry import configure_logging

logger = logging.getLogger("app.datastore")

READS = Counter("datastore_reads_total", "Values asked for.")
WRITES = Counter("datastore_writes_total", "Values put or deleted, and synced.")

MAX_VALUE_BYTES = 1024 * 1024
PIECE_BYTES = 64 * 1024


class DatastoreSettings(ServerSettings):
    data_dir: Path = Path("/data")
    replicas: Positive = 1
    peers_service: str = ""

    @property
    def ordinal(self) -> int:
        """The number at the end of the pod's name: 2 for `shop-2`."""
        number = self.pod_name.rpartition("-")[2]
        return int(number) if number.isdecimal() else 0

    def owner(self, key: str) -> int:
        return crc32(key.encode()) % self.replicas

    def peer(self, ordinal: int) -> str:
        return f"{self.pod_name.rpartition('-')[0]}-{ordinal}.{self.peers_service}"


async def home(request: Request) -> Response:
    settings: DatastoreSettings = request.app.state.settings
    shard = {"ordinal": settings.ordinal, "replicas": settings.replicas}
    return JSONResponse({"pod": settings.pod, "shard": shard})


async def value(request: Request) -> Response:
    settings: DatastoreSettings = request.app.state.settings
    store: Store = request.app.state.store
    key = request.path_params["key"]
    if len(quote(key, safe="")) > 240:
        return PlainTextResponse("too long a key", status_code=414)
    if (owner := settings.owner(key)) != settings.ordinal:
        return JSONResponse({"owner": settings.peer(owner)}, status_code=421)
    if request.method == "PUT":
        return await receive(request, store, key)
    if request.method == "DELETE":
        await asyncio.to_thread(store.delete, key)
        WRITES.inc()
        return Response(status_code=204)
    READS.inc()
    found = await asyncio.to_thread(store.open, key)
    if found is None:
        return Response(status_code=404)
    size = os.fstat(found.fileno()).st_size
    return StreamingResponse(pieces(found), headers={"Content-Length": str(size)})


async def receive(request: Request, store: Store, key: str) -> Response:
    draft, size = store.draft(), 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > MAX_VALUE_BYTES:
                return PlainTextResponse("too large a value", status_code=413)
            await asyncio.to_thread(draft.write, piece)
        await asyncio.to_thread(store.keep, key, draft)
    finally:
        store.drop(draft)
    WRITES.inc()
    return Response(status_code=204)


def pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def create_app(settings: DatastoreSettings, store: Store, stopping: asyncio.Event) -> Starlette:
    routes = [Route("/", home), Route("/keys/{key}", value, methods=["GET", "PUT", "DELETE"])]
    app = application(routes, stopping, lambda: store.recovered)
    app.state.settings = settings
    app.state.store = store
    return app


async def recover(store: Store, settings: DatastoreSettings) -> None:
    keys = await asyncio.to_thread(store.recover)
    strange = sum(settings.owner(key) != settings.ordinal for key in keys)
    logger.info("recovered", extra={"keys": len(keys), "keys_of_other_pods": strange})


async def main() -> None:
    settings, stopping = load(DatastoreSettings), stop_on_signal()
    configure_logging(settings)
    if settings.ordinal >= settings.replicas:
        allowed = f"the number of replicas, more than this pod's ordinal {settings.ordinal}"
        refuse("REPLICAS", allowed)
    if settings.replicas > 1 and not settings.peers_service:
        refuse("PEERS_SERVICE", "the name of the headless Service, as REPLICAS is above 1")
    try:
        store = Store(settings.data_dir)
    except OSError:
        refuse("DATA_DIR", "a directory that this user may write to")
    async with asyncio.TaskGroup() as group:
        group.create_task(recover(store, settings))
        group.create_task(serve(create_app(settings, store, stopping), settings, stopping))


if __name__ == "__main__":
    asyncio.run(main())
