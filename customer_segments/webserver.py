"""The webserver of the UI: Dagster's own, for its own pages alone, with the reports beside it.

Belongs here: who may ask it, and the reports folder as pages. Does not: starting and stopping it
(``commands.ui``); what Dagster shows.

Dagster asks nobody who they are, and takes mutations by GET: a page of any site that somebody has
open beside it could launch runs here.
"""

from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from customer_segments.installation import settings_here
from customer_segments.settings import Settings
from customer_segments.shown import REPORTS_URL

REPORT_HEADERS = {
    # Customers' names stand in these pages: whatever ran in one could not reach Dagster.
    "Content-Security-Policy": "sandbox allow-scripts allow-downloads",
    # A month's report is made anew under its name.
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
}


def main() -> None:
    """Be ``dagster-webserver``, by its arguments."""
    from dagster_webserver import cli

    make = cli.create_app_from_workspace_process_context
    public = public_address(settings_here())

    def make_private(*args, **options) -> Starlette:
        app = make(*args, **options)
        app.routes.insert(0, Mount(REPORTS_URL, _reports))
        app.add_middleware(OwnPagesOnly, public=public)
        return app

    cli.create_app_from_workspace_process_context = make_private
    cli.main()


def public_address(settings: Settings) -> str:
    """Return host and port by which a proxy shows the UI, where a setting says so; else empty.

    The setting's default is none of it: what is served there may be somebody else's.
    """
    given = settings.ui_url if "ui_url" in settings.model_fields_set else ""
    return urlsplit(given).netloc.lower()


class OwnPagesOnly:
    """ASGI middleware that refuses what other sites' pages ask for, websockets included."""

    def __init__(self, app: ASGIApp, public: str = ""):
        self.app, self.public = app, public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what is not refused."""
        answer: ASGIApp = self.app
        if scope["type"] != "lifespan" and (why := refusal(HTTPConnection(scope), self.public)):
            is_page = scope["type"] == "http"
            answer = PlainTextResponse(why, 403) if is_page else WebSocketClose(1008, why)
        await answer(scope, receive, send)


def refusal(asked: HTTPConnection, public: str) -> str:
    """Return why a request is not answered; empty if it is.

    By ``Host``, since a foreign name may be made to point here; by ``Origin``, which browsers send
    with every POST and websocket; by ``Sec-Fetch-Site``, which they send with pictures and frames,
    too. Programs other than browsers send the first alone. Somebody may come by a link.
    """
    headers, port, origin = asked.headers, asked.scope["server"][1], asked.headers.get("origin")
    own = {f"{name}:{port}" if port != 80 else name for name in ("127.0.0.1", "localhost")}
    own |= {public} - {""}
    if headers.get("host", "").lower() not in own:
        return "The UI is not known by this name: docs/operations.md, Who can see what.\n"
    is_get, is_query = asked.scope.get("method") == "GET", asked.scope["path"] == "/graphql"
    if is_get and is_query and asked.url.query:
        return "GraphQL is taken by POST alone.\n"
    is_link = is_get and not is_query and headers.get("sec-fetch-dest") == "document"
    is_own = headers.get("sec-fetch-site", "none") in ("none", "same-origin") or is_link
    if not is_own or (origin is not None and origin.rpartition("//")[2] not in own):
        return "Another site's page asked for this.\n"
    return ""


async def _reports(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the files of the reports folder, which ``.env`` may have moved since the last time."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(REPORT_HEADERS)
        await send(message)

    folder = settings_here().reports_path
    files = StaticFiles(directory=folder, check_dir=False)
    # A folder that is not there yet has no files, and is no fault of the server.
    files.config_checked = True
    await files(scope, receive, send_with_headers)


if __name__ == "__main__":
    main()
