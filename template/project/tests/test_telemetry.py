import json
import logging

import pytest

from app.settings import Settings
from app.telemetry import configure_logging


def test_an_event_is_one_line_of_json_with_the_pod(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(pod_name="pod-1", pod_namespace="team-dev", node_name="node-7"))

    try:
        raise ValueError("first line\nsecond line")
    except ValueError:
        logging.getLogger("shop").exception("went wrong", extra={"order": 17})

    (line,) = capsys.readouterr().out.splitlines()
    event = json.loads(line)
    assert event["level"] == "ERROR"
    assert event["message"] == "went wrong"
    assert event["order"] == 17
    assert "second line" in event["exc_info"]
    assert (event["pod"], event["namespace"], event["node"]) == ("pod-1", "team-dev", "node-7")


def test_the_level_is_the_configured_one(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log_level="warning"))

    logging.getLogger("shop").info("detail")

    assert capsys.readouterr().out == ""
