"""The double over HTTP: API requests, hosted pages and control on one loopback port."""

import json
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from billing.demo.stripe_double import pages
from billing.demo.stripe_double.api import Api, Request, Response, request_id
from billing.demo.stripe_double.control import Control
from billing.demo.stripe_double.errors import Json, Refusal
from billing.demo.stripe_double.webhooks import Sender
from billing.demo.stripe_double.world import World

LARGEST_BODY = 1_000_000


class Server(ThreadingHTTPServer):
    """A thread per connection; stopping it breaks the connections that are still open and waits for their threads."""

    daemon_threads = False
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, host: str, port: int, *, world: World, api: Api, control: Control, sender: Sender) -> None:
        self.world = world
        self.api = api
        self.control = control
        self.sender = sender
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__((host, port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is shown as the base class shows it."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """To be called once ``serve_forever`` has ended."""
        self.api.hurry()
        with self._open_lock:
            still_open = list(self._open)
        for connection in still_open:
            break_off(connection)
        self.server_close()


def break_off(connection: socket.socket) -> None:
    """Cut a connection; one that is gone already is as good as cut."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class Handler(BaseHTTPRequestHandler):
    """Reads a request, asks whom it concerns, writes the answer in one piece."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65_536
    server: Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self._send(413, b"", {})
            self.close_connection = True
            return
        body = self.rfile.read(length).decode("utf-8", "replace")
        path = urlsplit(self.path).path
        if path.startswith("/v1/"):
            self._serve_api(body)
        elif path.startswith("/_control/"):
            self._serve_control(path, body)
        else:
            self._serve_page(path, body)
        self.server.sender.wake()

    def _serve_api(self, body: str) -> None:
        response = self.server.api.answer(
            Request(
                method=self.command,
                target=self.path,
                form=urlsplit(self.path).query if self.command == "GET" else body,
                api_key=(self.headers.get("Authorization") or "").removeprefix("Bearer "),
                account=self.headers.get("Stripe-Account") or "",
                idempotency_key=(self.headers.get("Idempotency-Key") or "") if self.command == "POST" else "",
            )
        )
        if response is None:
            self.close_connection = True
            break_off(self.connection)
        elif response.html:
            self._send(response.status, response.html.encode(), {"Content-Type": "text/html"})
        else:
            self._send_json(response)

    def _serve_control(self, path: str, body: str) -> None:
        try:
            self._refuse_strangers()
            given = json.loads(body or "{}")
            if not isinstance(given, dict):
                raise Refusal("A control takes a JSON object.")
            answer = Response(200, self.server.control.obey(self.command, path, given))
        except json.JSONDecodeError as problem:
            answer = Response(400, Refusal(f"A control takes JSON: {problem}").body)
        except Refusal as refusal:
            answer = Response(refusal.status, refusal.body)
        self._send_json(answer)

    def _refuse_strangers(self) -> None:
        """A web page in a browser can send forms to loopback, but not JSON; so only JSON is an order."""
        if self.command != "GET" and self.headers.get_content_type() != "application/json":
            raise Refusal("A control takes application/json.", status=415)

    def _serve_page(self, path: str, body: str) -> None:
        try:
            pressed = self.command == "POST"
            if pressed and self.headers.get("Origin", self.server.world.base_url) != self.server.world.base_url:
                raise Refusal("Buttons are pressed on our own pages only.", status=403)
            shown = pages.press(self.server.world, path, body) if pressed else pages.show(self.server.world, path)
        except Refusal as refusal:
            shown = pages.Page(str(refusal), status=refusal.status)
        headers = {"Content-Type": "text/html; charset=utf-8"}
        if shown.location:
            headers["Location"] = shown.location
        self._send(shown.status, shown.html.encode(), headers)

    def _send_json(self, response: Response) -> None:
        headers: Json = {"Content-Type": "application/json", "Request-Id": request_id()}
        if response.replayed:
            headers["Idempotent-Replayed"] = "true"
        self._send(response.status, json.dumps(response.body).encode(), headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, _format: str, *args: Any) -> None:
        """Requests are remembered by the API (``/_control/requests``), not printed."""
