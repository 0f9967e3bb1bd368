"""Talks to a cluster's API server over one connection: kubectl takes longer to start than the server to answer."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from support.cluster import Cluster
    from support.objects import Manifest

STRICT = "fieldValidation=Strict"
SERVED_SECONDS = 10
"""How long the server may take until it serves a kind whose definition it has."""


class Server:
    """The API server, as its administrator knows it or as a member of a group does."""

    def __init__(self, cluster: Cluster, group: str = "") -> None:
        """Connect with the first user of the cluster's kubeconfig, in a group's stead if one is named."""
        config = yaml.safe_load(cluster.kubeconfig.read_text())
        trust = ssl.create_default_context(cafile=config["clusters"][0]["cluster"]["certificate-authority"])
        self._headers = [("Authorization", f"Bearer {config['users'][0]['user']['token']}")]
        if group:  # who impersonates loses its own groups; discovery is for everybody who is authenticated
            who = [("User", "tester"), ("Group", group), ("Group", "system:authenticated")]
            self._headers += [(f"Impersonate-{kind}", name) for kind, name in who]
        self._connection = http.client.HTTPSConnection(cluster.server.removeprefix("https://"), context=trust)
        self._served: dict[str, dict[str, Any]] = {}

    def apply(self, manifest: Manifest) -> list[str]:
        """Apply an object as `kubectl apply --server-side` does. What the server has against it, or its warnings."""
        path = f"{self._path(manifest)}/{manifest['metadata']['name']}?{STRICT}&fieldManager=kubectl"
        return self._complaints(manifest, "PATCH", path, "application/apply-patch+yaml")

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> list[str]:
        """Create an object, or only ask what would be. What the server has against it, or its warnings."""
        path = f"{self._path(manifest)}?{STRICT}{'&dryRun=All' if dry_run else ''}"
        return self._complaints(manifest, "POST", path, "application/json")

    def delete(self, manifest: Manifest) -> None:
        """Delete an object at once, whether it is there or not."""
        self._ask("DELETE", f"{self._path(manifest)}/{manifest['metadata']['name']}?gracePeriodSeconds=0")

    def _path(self, manifest: Manifest) -> str:
        version = manifest["apiVersion"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        deadline = time.monotonic() + SERVED_SECONDS
        while not (resource := self._served.get(version, {}).get(manifest["kind"])):
            assert time.monotonic() < deadline, f"the server knows no {manifest['kind']} of {version}"
            _, _, found = self._ask("GET", root)
            listed = [each for each in found.get("resources", []) if "/" not in each["name"]]
            self._served[version] = {each["kind"]: each for each in listed}
        within = f"/namespaces/{manifest['metadata']['namespace']}" if resource["namespaced"] else ""
        return f"{root}{within}/{resource['name']}"

    def _complaints(self, manifest: Manifest, method: str, path: str, content_type: str) -> list[str]:
        status, warnings, body = self._ask(method, path, _written(manifest), content_type)
        if status not in (http.client.OK, http.client.CREATED):
            return [f"{manifest['kind']}: {body['message']}"]
        return [f"{manifest['kind']}: Warning: {_text(warning)}" for warning in warnings]

    def _ask(
        self, method: str, path: str, body: str = "", content_type: str = "application/json"
    ) -> tuple[int, list[str], dict[str, Any]]:
        try:
            answer = self._send(method, path, body.encode(), content_type)
        except (ConnectionError, http.client.HTTPException):
            # The server closes a connection on which nothing was asked for a while.
            self._connection.close()
            answer = self._send(method, path, body.encode(), content_type)
        return answer.status, answer.headers.get_all("Warning") or [], json.loads(answer.read())

    def _send(self, method: str, path: str, body: bytes, content_type: str) -> http.client.HTTPResponse:
        self._connection.putrequest(method, path)
        length = ("Content-Length", str(len(body)))
        for name, value in [*self._headers, ("Content-Type", content_type), length]:
            self._connection.putheader(name, value)
        self._connection.endheaders(body)
        return self._connection.getresponse()


def _written(manifest: Manifest) -> str:
    """JSON that is YAML as well, as which an applied object is read: it has no pair of escapes for a character."""
    pair = re.compile(r"(?<!\\)((?:\\\\)*)(\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})")
    return pair.sub(lambda found: found[1] + json.loads(f'"{found[2]}"'), json.dumps(manifest))


def _text(warning: str) -> str:
    """The text of a `Warning` header, which is quoted (RFC 7234, 5.5): `299 - "TEXT"`."""
    return re.sub(r"\\(.)", r"\1", warning.partition('"')[2].rpartition('"')[0])
