"""The port of the metrics, answered by a thread of its own."""

from collections.abc import Callable, Mapping
from http.server import ThreadingHTTPServer
from threading import Thread

from prometheus_client import MetricsHandler

from app.ports import bind
from app.settings import Settings

# A client that sends no more for so long does not keep its thread.
PATIENCE_SECONDS = 10.0


def serve_metrics(settings: Settings, probes: Mapping[str, Callable[[], bool]]) -> None:
    """Answer `/metrics`, and each probe with 200 or 503."""

    class Handler(MetricsHandler):
        timeout = PATIENCE_SECONDS

        def do_GET(self) -> None:
            if self.path == "/metrics":
                super().do_GET()
            elif probe := probes.get(self.path):
                self.send_response(200 if probe() else 503)
                self.end_headers()
            else:
                self.send_error(404)

    listener = bind(settings.bind_address, settings.metrics_port)
    server = ThreadingHTTPServer(listener.getsockname()[:2], Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    Thread(target=server.serve_forever, daemon=True).start()
