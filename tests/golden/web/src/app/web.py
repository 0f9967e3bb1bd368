"""The web service: `python -m app.web`."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.lifecycle import stop_on_signal
from app.server import ServerSettings, application, serve
from app.settings import load
from app.telemetry import configure_logging


class WebSettings(ServerSettings):
    greeting: str = "Hello"


async def home(request: Request) -> Response:
    settings: WebSettings = request.app.state.settings
    return JSONResponse({"greeting": settings.greeting, "pod": settings.pod})


def create_app(settings: WebSettings, stopping: asyncio.Event) -> Starlette:
    app = application([Route("/", home)], stopping)
    app.state.settings = settings
    return app


async def main() -> None:
    settings, stopping = load(WebSettings), stop_on_signal()
    configure_logging(settings)
    await serve(create_app(settings, stopping), settings, stopping)


if __name__ == "__main__":
    asyncio.run(main())
