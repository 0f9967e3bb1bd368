"""Asks a real API server whether it would take an object, without creating it."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from support.cluster import Cluster
    from support.objects import Manifest

GROUPS = {
    "Deployment": "/apis/apps/v1",
    "StatefulSet": "/apis/apps/v1",
    "DaemonSet": "/apis/apps/v1",
    "Job": "/apis/batch/v1",
    "CronJob": "/apis/batch/v1",
    "Pod": "/api/v1",
}


class DryRun:
    """One connection to a cluster, and a namespace in it that enforces a Pod Security Standard."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        """Connect with the first user of the cluster's kubeconfig."""
        config = yaml.safe_load(cluster.kubeconfig.read_text())
        trust = ssl.create_default_context(cafile=config["clusters"][0]["cluster"]["certificate-authority"])
        self.headers = {
            "Authorization": f"Bearer {config['users'][0]['user']['token']}",
            "Content-Type": "application/json",
        }
        self.connection = http.client.HTTPSConnection(cluster.server.removeprefix("https://"), context=trust)
        self.namespace = namespace

    def complaints(self, manifest: Manifest) -> list[str]:
        """What the server has against an object: the reason for which it refuses it, or its warnings."""
        kind = manifest["kind"]
        path = f"{GROUPS[kind]}/namespaces/{self.namespace}/{kind.lower()}s?dryRun=All&fieldValidation=Strict"
        try:
            answer = self._post(path, json.dumps(manifest))
        except (ConnectionError, http.client.HTTPException):
            # The server closes a connection on which nothing was asked for a while. Nothing is created: ask again.
            self.connection.close()
            answer = self._post(path, json.dumps(manifest))
        body: dict[str, Any] = json.loads(answer.read())
        if answer.status != http.client.CREATED:
            return [f"{kind}: {body['message']}"]
        return [f"{kind}: {warning}" for warning in answer.headers.get_all("Warning") or []]

    def _post(self, path: str, body: str) -> http.client.HTTPResponse:
        self.connection.request("POST", path, body, self.headers)
        return self.connection.getresponse()
