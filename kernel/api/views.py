"""The base of every view: check, one service, answer."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, cast

from django.db.models import QuerySet
from rest_framework.exceptions import APIException, MethodNotAllowed, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.utils.mediatypes import media_type_matches
from rest_framework.views import APIView

from kernel.api.attempts import attempt_in
from kernel.api.input import length_of, refuse_body
from kernel.api.pages import PAGE_SIZE, take_page
from kernel.api.serializers import UNKNOWN, In, Out, Query
from kernel.models import User
from kernel.permit import Permit
from kernel.principal import Principal
from kernel.services.attempts import note_attempt
from kernel.services.audit import Actor
from kernel.shown_fields import not_taken, shown


class LengthRequired(APIException):
    """The body came without its length."""

    status_code = 411
    default_code = "length_required"
    default_detail = "Send the body with its Content-Length."


class OneFormat(BaseContentNegotiation):
    """Answers are JSON, whatever the Accept header asks for."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        matching = (parser for parser in parsers if media_type_matches(parser.media_type, request.content_type))
        return next(matching, None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class ApiView(APIView):
    """One address of the API. Its methods are declared with `kernel.api.operations.operation`."""

    content_negotiation_class = OneFormat
    permit: Permit
    """What the policy table lets whoever asks do here; set before the method is called."""

    @property
    def principal(self) -> Principal:
        """Whoever asks, with their roles."""
        return self.permit.principal

    @property
    def user(self) -> User:
        """The signed-in person, whether in person or through an API key."""
        return cast(User, self.request.user)

    @property
    def actor(self) -> Actor:
        """The signed-in person as services name them."""
        return Actor.user(self.user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        method = (request.method or "").lower()
        if method not in self.http_method_names or not hasattr(self, method):
            raise MethodNotAllowed(request.method or "")
        if method == "options":
            return  # tells only what the public schema tells
        if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
            raise LengthRequired
        length_of(request)
        super().initial(request, *args, **kwargs)
        handler = getattr(self, method)
        if not getattr(handler, "takes_body", False):
            refuse_body(request)
        self._asked = self._read_query(request, getattr(handler, "query", None))

    def options(self, *args: Any, **kwargs: Any) -> Response:
        """Nothing but the header Allow."""
        return Response(status=204)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.setdefault("Cache-Control", "no-store")
        return answer

    def handle_exception(self, exc: Exception) -> Response:
        answer = super().handle_exception(exc)
        operation = getattr(getattr(self, (self.request.method or "").lower(), None), "action", "")
        attempt, details = attempt_in(exc, operation=operation)
        if attempt and isinstance(self.request.user, User):
            details["operation"] = operation
            note_attempt(action=attempt, subject=self.user, by=self.actor, details=details)
        return answer

    def read_body(self, body: type[In] | None = None) -> dict[str, Any]:
        """The checked body, in the form that the operation declares (or ``body``)."""
        declared = body or getattr(getattr(self, (self.request.method or "").lower()), "body", None)
        assert declared is not None, "This operation declares no body."
        if refused := not_taken(self.request.data, self.permit.writes):
            raise ValidationError(refused, code=UNKNOWN)
        serializer = declared(data=self.request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return cast(dict[str, Any], serializer.validated_data)

    def shown_by_policy(self, answer: Any, *, paged: bool) -> Any:
        """The answer with the fields that the policy lets whoever asks read. A stream has none."""
        if isinstance(answer, Response) and answer.data is not None:
            fields = self.permit.reads
            page = {"results": fields, "next_cursor": None}
            answer.data = shown(answer.data, page if paged else fields)
        return answer

    def read_query(self) -> dict[str, Any]:
        """The checked parameters behind the `?`, without those of paging; only what was given."""
        return {name: value for name, value in self._asked.items() if name not in ("cursor", "limit")}

    def body_sha256(self) -> str:
        """What the body is, for telling whether a repeated request is the same."""
        # Of what was read and not of the bytes: how much may be read, the parser knows.
        return hashlib.sha256(json.dumps(self.request.data, sort_keys=True).encode()).hexdigest()

    def answer(self, shown: BaseSerializer[Any] | None = None, *, status: int = 200) -> Response:
        """``shown`` as the answer, or an empty one."""
        return Response(status=204) if shown is None else Response(shown.data, status=status)

    def page(
        self,
        rows: QuerySet[Any],
        out: type[Out],
        *,
        order_by: Sequence[str],
        seen_as: Callable[[list[Any]], Sequence[Any]] = list,
    ) -> Response:
        """The page of ``rows`` that was asked for. ``order_by`` ends in a unique column.

        ``seen_as`` may make of the page's rows, all at once, what ``out`` shows of them.
        """
        found, next_cursor = take_page(
            rows, order_by=order_by, cursor=self._asked.get("cursor"), limit=self._asked.get("limit", PAGE_SIZE)
        )
        shown = out(seen_as(found), many=True, context=self.get_serializer_context())
        return Response({"results": shown.data, "next_cursor": next_cursor})

    def get_serializer_context(self) -> dict[str, Any]:
        """What serializers may look at."""
        return {"request": self.request, "view": self}

    def _read_query(self, request: Request, query: type[Query] | None) -> dict[str, Any]:
        given = request.query_params
        twice = {name: "This stands twice." for name in given if len(given.getlist(name)) > 1}
        if twice:
            raise ValidationError(twice)
        serializer = (query or Query)(data=given.dict())
        serializer.is_valid(raise_exception=True)
        return cast(dict[str, Any], serializer.validated_data)
