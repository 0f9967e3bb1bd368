"""Work that notices a signal: pauses that it ends, and the time that is left when it comes."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


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
