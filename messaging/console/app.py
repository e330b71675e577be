"""The web application: wires clusters to views, renders, refuses all but reads, sets the security headers.

Payloads come from anyone who may write to a topic, so nothing in a page may run: templates escape
everything, and the content security policy allows no script, no inline style and nothing from elsewhere.
"""

import hashlib
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, request, stream_template, url_for
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from messaging.console import formats
from messaging.console.cluster import KafkaCluster
from messaging.console.dead_letters import SUFFIXES
from messaging.console.messages import QueryError
from messaging.console.registry import Registry
from messaging.console.settings import Settings
from messaging.console.views import Cluster, Page, Views

READS = ("GET", "HEAD")
STYLE_SECONDS = 86_400
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_STATIC = Path(__file__).parent / "static"


def clusters_of(settings: Settings) -> tuple[Cluster, ...]:
    """The clusters that `settings` name; nothing is connected until a page needs it."""
    return tuple(
        Cluster(
            name=one.name, kafka=KafkaCluster(one), registry=Registry(one.registry) if one.registry else None
        )
        for one in settings.clusters
    )


def create_app(clusters: tuple[Cluster, ...], context_path: str = "") -> Flask:
    """The WSGI application that shows `clusters` under `context_path`."""
    app = Flask(__name__, static_folder=None)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters |= {
        "number": formats.number,
        "size": formats.size,
        "moment": formats.moment,
        "ago": lambda milliseconds: formats.ago(milliseconds, time.time()),
    }
    style_version = hashlib.sha256((_STATIC / "console.css").read_bytes()).hexdigest()[:12]

    blueprint = Blueprint("console", __name__, static_folder="static", url_prefix=context_path)

    def for_people(page: Page) -> Response:
        return _html(stream_template(page.template, page=page, **page.values), page.status)

    Views(clusters, for_people, _for_machines).register(blueprint)
    app.register_blueprint(blueprint)
    app.context_processor(
        lambda: {
            "clusters": [cluster.name for cluster in clusters],
            "style": url_for("console.static", filename="console.css", v=style_version),
            "icon": url_for("console.static", filename="icon.svg"),
            "error_classes": SUFFIXES,
            "api": _api_address(context_path),
        }
    )
    app.before_request(_refuse_all_but_reads)
    app.after_request(_protected)
    app.register_error_handler(QueryError, _bad_query)
    app.register_error_handler(HTTPException, _failed)
    return app


def _refuse_all_but_reads() -> None:
    if request.method not in READS:
        raise MethodNotAllowed(READS, "the console only reads: GET and HEAD are all it answers")


def _protected(response: Response) -> Response:
    response.headers.update(HEADERS)
    is_static = request.endpoint == "console.static"
    response.headers["Cache-Control"] = f"public, max-age={STYLE_SECONDS}" if is_static else "no-store"
    return response


def _for_machines(page: Page) -> Response:
    document: dict[str, Any] = {"title": page.title}
    if page.cluster is not None:
        document["cluster"] = page.cluster.name
    document |= {name: formats.plain(value) for name, value in page.values.items()}
    document |= {name: formats.plain(part.value) for name, part in page.parts.items()}
    document["errors"] = {name: part.error for name, part in page.parts.items() if part.error is not None}
    return _json(document, page.status)


def _bad_query(error: QueryError) -> Response:
    return _error_page(400, "This address asks for something that does not exist", error.faults)


def _failed(error: HTTPException) -> Response:
    status = error.code or 500
    response = _error_page(status, error.name, [error.description or error.name])
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(READS)
    return response


def _error_page(status: int, title: str, faults: list[str]) -> Response:
    if "/api/" in request.path:
        return _json({"title": title, "errors": {"request": "; ".join(faults)}}, status)
    return _html(stream_template("error.html", title=title, status=status, faults=faults), status)


def _html(pieces: Iterable[str], status: int) -> Response:
    # Encoded piece by piece: in one text, a single emoji would make every character take four bytes.
    body = b"".join(_encoded(piece) for piece in pieces)
    return Response(body, status=status, content_type="text/html; charset=utf-8")


def _json(document: dict[str, Any], status: int) -> Response:
    text = json.dumps(document, ensure_ascii=False)
    return Response(_encoded(text), status=status, content_type="application/json")


def _encoded(text: str) -> bytes:
    """UTF-8; half of a character, as a schema may have it, becomes its escape, which is JSON's own, too."""
    return text.encode(errors="backslashreplace")


def _api_address(context_path: str) -> str:
    """Where the page that is being rendered can be had as JSON."""
    path = request.full_path.removesuffix("?").removeprefix(context_path)
    return f"{context_path}/api{'/clusters' if path in ('', '/') else path}"
