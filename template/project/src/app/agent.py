"""The node agent: `python -m app.agent`. Reports what any pod may see of the node below it."""

import asyncio
import logging
import os
from pathlib import Path

from prometheus_client import Gauge

from app.health import Health, listen
from app.lifecycle import stop_on_signal
from app.settings import Positive, Settings, load, refuse
from app.telemetry import configure_logging
from app.work import pause

logger = logging.getLogger("app.agent")

LOAD = Gauge("node_agent_load", "Tasks that run or wait, on average.", ["node", "minutes"])
CPUS = Gauge("node_agent_cpus", "Processors of the node.", ["node"])
MEMORY = Gauge("node_agent_memory_bytes", "Memory of the node.", ["node", "state"])
PRESSURE = Gauge(
    "node_agent_pressure_ratio",
    "Share of the last ten seconds in which some task waited for the resource.",
    ["node", "resource"],
)


class AgentSettings(Settings):
    proc_dir: Path = Path("/proc")
    interval_seconds: Positive = 15
    # Above these, in percent, the agent writes a warning.
    max_load_percent: Positive = 200
    max_memory_percent: Positive = 90
    max_pressure_percent: Positive = 50


class Node:
    def __init__(self, settings: AgentSettings) -> None:
        self._settings = settings
        self._above: set[str] = set()

    def observe(self) -> None:
        """Set the gauges, and log each threshold that is crossed, either way."""
        name, limits = self._settings.node_name, self._settings
        cpus = os.cpu_count() or 1
        CPUS.labels(name).set(cpus)

        load = self._load()
        for minutes, tasks in load.items():
            LOAD.labels(name, minutes).set(tasks)
        self._compare("load", load["1"] / cpus, limits.max_load_percent)

        memory = self._memory()
        MEMORY.labels(name, "total").set(memory["MemTotal"])
        MEMORY.labels(name, "available").set(memory["MemAvailable"])
        used = 1 - memory["MemAvailable"] / memory["MemTotal"]
        self._compare("memory", used, limits.max_memory_percent)

        for resource in ("cpu", "memory", "io"):
            try:
                pressure = self._pressure(resource)
            except OSError:  # this kernel does not measure it
                continue
            PRESSURE.labels(name, resource).set(pressure)
            self._compare(f"{resource} pressure", pressure, limits.max_pressure_percent)

    def _load(self) -> dict[str, float]:
        averages = self._read("loadavg").split()[:3]
        return dict(zip(("1", "5", "15"), map(float, averages), strict=True))

    def _memory(self) -> dict[str, int]:
        """Read lines such as `MemTotal:  24684084 kB`."""
        lines = (line.split() for line in self._read("meminfo").splitlines())
        return {name.rstrip(":"): int(size) * 1024 for name, size, *_ in lines}

    def _pressure(self, resource: str) -> float:
        """Read a line such as `some avg10=14.04 avg60=18.13 avg300=20.14 total=730587418`."""
        some = self._read(f"pressure/{resource}").split()
        return float(some[1].removeprefix("avg10=")) / 100

    def _read(self, file: str) -> str:
        return (self._settings.proc_dir / file).read_text()

    def _compare(self, what: str, share: float, limit: int) -> None:
        above, percent = share * 100 > limit, round(share * 100)
        if above and what not in self._above:
            self._above.add(what)
            logger.warning("above threshold", extra={"what": what, "percent": percent})
        elif not above and what in self._above:
            self._above.remove(what)
            logger.info("below threshold", extra={"what": what, "percent": percent})


async def main() -> None:
    settings, stopping = load(AgentSettings), stop_on_signal()
    configure_logging(settings)
    node = Node(settings)
    try:
        node.observe()
    except OSError:
        refuse("PROC_DIR", "a directory that holds loadavg and meminfo")
    health = Health(settings.interval_seconds + 10, stopping)
    listen(health, settings)
    logger.info("observing", extra={"interval_seconds": settings.interval_seconds})
    while not stopping.is_set():
        await pause(stopping, settings.interval_seconds)
        node.observe()
        health.beat()
    logger.info("stopped")


if __name__ == "__main__":
    asyncio.run(main())
