"""Logs: one JSON object per line on stdout, each with the pod and the request it comes from."""

import logging
import sys
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

from app.settings import Settings

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")


def configure_logging(settings: Settings) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(add_request_id)
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


def add_request_id(record: logging.LogRecord) -> bool:
    if identity := REQUEST_ID.get():
        record.request_id = identity
    return True
