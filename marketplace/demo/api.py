"""A small client of Assay's own HTTP API: one connection kept open, JSON in and out. One thread at a time."""

import http.client
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from marketplace.demo.authenticator import AuthenticatorApp
from marketplace.demo.mailbox import Mailboxes

SECONDS_TO_ANSWER: Final = 120
TRIES: Final = 5
LARGEST_PAGE: Final = 100


class ApiError(Exception):
    """The server said no, with ``status``, ``code`` and a sentence; ``body`` is all that it said."""

    def __init__(self, status: int, body: dict[str, Any], request: str) -> None:
        super().__init__(f"{request}: {status} {body.get('code', '')}: {body.get('message', body)}")
        self.status = status
        self.body = body
        self.code: str = body.get("code", "")


class NoAnswer(Exception):
    """The server did not answer, however often it was asked."""


class Api:
    """Somebody at ``url``: a stranger at first, a signed-in person after ``sign_in``.

    A POST whose answer was lost on the way is simply sent again: ``post`` carries an Idempotency-Key, and what
    ``repeat`` asks for has the same effect however often it comes.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._place = urlsplit(url)
        self._connection: http.client.HTTPConnection | None = None
        self._token = ""

    def sign_up(self, *, email: str, password: str, name: str, mailboxes: Mailboxes) -> None:
        """Sign up, confirm the address by the link in the mail that comes, and sign in."""
        self.post("/api/v1/users/", {"email": email, "password": password, "display_name": name})
        self.post("/api/v1/email-confirmations/", {"token": mailboxes.link_for(email), "password": password})
        self.sign_in(email=email, password=password)

    def sign_in(self, *, email: str, password: str, app: AuthenticatorApp | None = None) -> None:
        """Sign in, with the code of ``app`` where it is a second factor; everything after is asked as this person."""
        try:
            begun = self.post("/api/v1/session/", {"email": email, "password": password})
        except ApiError as refusal:
            if app is None or refusal.code != "second_factor_needed":
                raise
            passed = {"challenge": refusal.body["details"]["challenge"], "code": app.code()}
            begun = self.post("/api/v1/session/second-factor/", passed)
        self._token = begun["token"]

    def add_authenticator_app(self) -> AuthenticatorApp:
        """Add a second factor, as admins have to before their roles count, and go on with the token that it brings."""
        asked = self.post("/api/v1/second-factors/totp/begin/")
        app = AuthenticatorApp(asked["secret"])
        added = self.post("/api/v1/second-factors/totp/", {"challenge": asked["challenge"], "code": app.code()})
        self._token = added["token"]
        return app

    def get(self, path: str, **query: object) -> Any:
        """The answer to a GET."""
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: object = None) -> Any:
        """The answer to a POST of ``body`` as JSON, under a key of its own."""
        return self._ask("POST", path, _json(body), "application/json", key=str(uuid.uuid4()))

    def repeat(self, path: str, body: object = None) -> Any:
        """The answer to a POST of ``body`` as JSON that needs no key, such as a claim or an answer to a task."""
        return self._ask("POST", path, _json(body), "application/json")

    def delete(self, path: str) -> Any:
        """The answer to a DELETE, under a key of its own."""
        return self._ask("DELETE", path, key=str(uuid.uuid4()))

    def upload(self, path: str, content: bytes, *, content_type: str) -> Any:
        """The answer to a POST of a file's content."""
        return self._ask("POST", path, content, content_type, key=str(uuid.uuid4()))

    def every(self, path: str, **query: object) -> Iterator[Any]:
        """Each row of a list, page after page."""
        page = self.get(path, limit=LARGEST_PAGE, **query)
        yield from page["results"]
        while page["next_cursor"]:
            page = self.get(path, limit=LARGEST_PAGE, cursor=page["next_cursor"], **query)
            yield from page["results"]

    def lines(self, path: str) -> list[Any]:
        """The values of a download in JSON Lines."""
        return [json.loads(line) for line in self._exchange("GET", path)[1].splitlines()]

    def _ask(self, method: str, path: str, body: bytes | None = None, content_type: str = "", key: str = "") -> Any:
        headers = {"Content-Type": content_type} if content_type else {}
        if key:
            headers["Idempotency-Key"] = key
        status, content = self._exchange(method, path, body, headers)
        answer = json.loads(content) if content else {}
        if status >= http.client.BAD_REQUEST:
            raise ApiError(status, answer, f"{method} {path}")
        return answer

    def _exchange(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        sent = {**(headers or {}), **({"Authorization": f"Bearer {self._token}"} if self._token else {})}
        for attempt in range(1, TRIES + 1):
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPConnection(
                        self._place.hostname or "", self._place.port, timeout=SECONDS_TO_ANSWER
                    )
                self._connection.request(method, path, body=body, headers=sent)
                response = self._connection.getresponse()
                return response.status, response.read()
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if attempt == TRIES:
                    raise NoAnswer(f"{method} {path} had no answer in {TRIES} tries: {error!r}") from error
                time.sleep(0.2 * attempt)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Let the connection go; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _json(body: object) -> bytes:
    return json.dumps({} if body is None else body).encode()


def press(url: str, **form: str) -> None:
    """Press the button of a page that Stripe hosts, as a browser would: post its form."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=SECONDS_TO_ANSWER)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", place.path, body=urlencode(form), headers=headers)
        response = connection.getresponse()
        response.read()
        if response.status != http.client.SEE_OTHER:
            raise ApiError(response.status, {"message": response.reason}, f"POST {url}")
    finally:
        connection.close()
