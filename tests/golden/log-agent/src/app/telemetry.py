"""Logs: one JSON object per line on stdout, each with the pod it comes from."""

import logging
import sys

from pythonjsonlogger.json import JsonFormatter

from app.settings import Settings


def configure_logging(settings: Settings) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        JsonFormatter(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger"},
            static_fields={"pod": settings.pod},
            timestamp=True,
        )
    )
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
