"""Settings, read from the environment: the ConfigMap's keys, Secrets and the pod's identity."""

import re
import sys
from ipaddress import IPv4Address
from traceback import extract_tb
from typing import Annotated, Literal, NoReturn, TypeVar

from pydantic import BeforeValidator, Field, IPvAnyAddress, ValidationError
from pydantic_settings import BaseSettings, SettingsError

LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"],
    BeforeValidator(str.lower),
    Field(description="debug, info, warning or error"),
]
Address = Annotated[IPvAnyAddress, Field(description="an IP address, 0.0.0.0 or :: for all")]
Port = Annotated[int, Field(ge=1, le=65535, description="a port from 1 to 65535")]
Seconds = Annotated[int, Field(ge=0, le=3600, description="whole seconds from 0 to 3600")]
Positive = Annotated[int, Field(ge=1, le=3600, description="a whole number from 1 to 3600")]


class Settings(BaseSettings):
    """What every program reads: the field `log_level` is the key `LOG_LEVEL`, and so on.

    A program adds its own fields in a class of its own, as `app.web` does.
    """

    # People add keys for their own code to the ConfigMap, so an unknown key is no error.
    model_config = {
        "alias_generator": str.upper,
        "case_sensitive": True,
        "extra": "ignore",
        "hide_input_in_errors": True,
    }

    log_level: LogLevel = "info"
    bind_address: Address = IPv4Address("0.0.0.0")  # noqa: S104 (the NetworkPolicy guards the pod)
    metrics_port: Port = 9090
    # Together with the preStop sleep and the drain, less than terminationGracePeriodSeconds.
    grace_seconds: Seconds = 20
    pod_name: str = "local"
    pod_namespace: str = "local"
    node_name: str = "local"

    @property
    def pod(self) -> dict[str, str]:
        return {"name": self.pod_name, "namespace": self.pod_namespace, "node": self.node_name}


S = TypeVar("S", bound=Settings)


def load(kind: type[S]) -> S:
    """Read the settings, or end the program with one line.

    The line goes to the log and into the pod's status. So it never holds a value, nor what a
    library says about one: it names the key, and what its field asks for.
    """
    try:
        return kind()
    except Exception as error:  # validators may raise whatever they like, with the value in it
        _end(_explain(kind, error))


def refuse(key: str, *allowed: object) -> NoReturn:
    """End the program with the one line that says what to change.

    Earlier versions were given the value before what is allowed. It is not shown.
    """
    _end(f"{key} is not allowed, use {allowed[-1]}")


def _explain(kind: type[Settings], error: Exception) -> str:
    path: tuple[int | str, ...] = ()
    if isinstance(error, ValidationError):
        problem = error.errors()[0]
        path, what = problem["loc"], problem["type"].replace("_", " ")
    elif isinstance(error, SettingsError) and (name := re.search(r'field "(\w+)"', str(error))):
        path, what = (name[1].upper(),), "no JSON"
    else:
        place = extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__} in {place.name}, line {place.lineno}"
    if not path:
        return f"{kind.__name__} cannot be read: {what}"
    key = str(path[0])  # the rest may be a part of the value: the key of a mapping
    if what == "missing" and len(path) == 1:
        return f"{key} is not set, and {kind.__name__} has no default for it"
    field = kind.model_fields.get(key.lower())
    if field and field.description:
        return f"{key} is not allowed, use {field.description}"
    return f"{key} does not fit {kind.__name__}: {what}"


def _end(sentence: str) -> NoReturn:
    sys.stderr.write(f"settings: {sentence}\n")
    raise SystemExit(2)
