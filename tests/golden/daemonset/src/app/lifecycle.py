"""The orderly end: SIGTERM from the kubelet, or Ctrl-C in a terminal."""

import asyncio
import logging
import signal

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
