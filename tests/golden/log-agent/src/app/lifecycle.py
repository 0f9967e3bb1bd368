"""The orderly end: SIGTERM from the kubelet, or Ctrl-C in a terminal."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

logger = logging.getLogger(__name__)


def stop_on_signal() -> asyncio.Event:
    """Return an event that the first signal sets. A second signal ends the process at once."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(received: signal.Signals) -> None:
        logger.info("stopping", extra={"signal": received.name})
        stopping.set()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop, each)
    return stopping


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Sleep, but not through a signal."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)


async def with_grace(work: Coroutine[Any, Any, T], stopping: asyncio.Event, seconds: float) -> T:
    """Await work that notices a signal by itself, and cancel it when it takes longer than this."""
    working = asyncio.create_task(work)

    async def end() -> None:
        await stopping.wait()
        await asyncio.sleep(seconds)
        working.cancel()

    ending = asyncio.create_task(end())
    try:
        return await working
    finally:
        ending.cancel()
