"""Declares an operation once: what it reads and answers, how it is described, and what it may refuse."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, wraps
from inspect import cleandoc
from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request

import kernel.api.published  # noqa: F401  (what it tells the schema is registered by loading it)
from kernel.api import fields
from kernel.api.idempotency import HEADER, KEY, Method, idempotent
from kernel.api.pages import PageQuery
from kernel.api.serializers import ErrorOut, In, InvalidOut, Out, Query
from kernel.api.views import ApiView
from kernel.errors import Invalid, NotFound, Refused
from kernel.services.idempotency import IdempotencyKeyReused

Said = type[Refused] | type[Invalid] | type[NotFound] | type[APIException]

_IDEMPOTENCY_KEY: Final = OpenApiParameter(
    name=HEADER,
    location=OpenApiParameter.HEADER,
    type={"type": "string", "pattern": f"^{KEY.pattern}$"},
    description=(
        "Any text of up to 255 visible ASCII characters, such as a UUID. For seven days the same key with the same "
        "body gives the stored answer again, with the header `Idempotent-Replayed: true`."
    ),
)

UPLOADED: Final = {"type": "string", "format": "binary", "minLength": 1}
"""A file as a body: any bytes, and not none."""


def operation(
    name: str,
    *,
    body: type[In] | None = None,
    uploads: Mapping[str, str] | None = None,
    query: type[Query] | None = None,
    answer: type[Out] | OpenApiResponse | None = None,
    status: int = 200,
    already: int | None = None,
    media_type: str = "application/json",
    paged: bool = False,
    creates: bool = False,
    not_kept: Sequence[str] = (),
    errors: Sequence[Said] = (),
    public: bool = False,
) -> Callable[[Method], Method]:
    """Declare a view's method as the operation ``name`` ("Post a job"); its docstring is the description.

    ``uploads`` (media type: example) is what an UploadView takes instead of a ``body``. ``creates`` lets it honour the
    Idempotency-Key; fields in ``not_kept`` (secrets shown once) are null in a repeated answer. ``already`` is the
    status of the same answer about something that was there before; ``media_type`` is what the answer is written in.
    ``public`` operations need no sign-in. An operation without ``answer`` answers 204 with nothing.
    """
    asked = _with_paging(query) if paged else query
    action = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")

    def declare(method: Method) -> Method:
        said = [*errors, *([IdempotencyKeyReused] if creates else [])]
        shows = _by_policy(method, paged=paged)
        handler = idempotent(shows, not_kept=not_kept) if creates else shows
        described = extend_schema(
            operation_id=action,
            summary=name,
            description=cleandoc(method.__doc__ or ""),
            parameters=[*([asked] if asked else []), *([_IDEMPOTENCY_KEY] if creates and not public else [])],
            request=dict.fromkeys(uploads, UPLOADED) if uploads else body,
            responses={
                (204 if answer is None else (status, media_type)): _success(answer, paged=paged),
                **({(already, media_type): _what_was_there(answer)} if already else {}),
                **_refusals(said, has_body=bool(body or uploads), public=public),
            },
            examples=list(_request_examples(body, uploads or {})),
            auth=[] if public else None,
        )(handler)
        described.query, described.body = asked, body  # type: ignore[attr-defined]  # read again by ApiView
        described.takes_body = bool(body or uploads)  # type: ignore[attr-defined]
        described.answer, described.paged = answer, paged  # type: ignore[attr-defined]  # so that a check finds its fields
        described.public = public  # type: ignore[attr-defined]  # so that a check holds it against the policy
        described.action = action  # type: ignore[attr-defined]  # what the policy table calls it
        return described

    return declare


def _by_policy(method: Method, *, paged: bool) -> Method:
    """Let ``method`` show what the policy lets whoever asks read, and nothing else; also to what is kept of it."""

    @wraps(method)
    def shows(view: ApiView, request: Request, *args: Any, **kwargs: Any) -> Any:
        return view.shown_by_policy(method(view, request, *args, **kwargs), paged=paged)

    return shows


@cache
def _with_paging(query: type[Query] | None) -> type[Query]:
    if query is None:
        return PageQuery
    return type(f"{query.__name__}Page", (query, PageQuery), {"__doc__": query.__doc__})


@cache
def _page_of(out: type[Out]) -> serializers.Serializer[Any]:
    return inline_serializer(
        name=f"{out.__name__.removesuffix('Out')}Page",
        fields={
            "results": out(many=True),
            "next_cursor": fields.LineField(
                allow_null=True, help_text="Send it as `cursor` for the next page; null at the end."
            ),
        },
    )


def _success(answer: type[Out] | OpenApiResponse | None, *, paged: bool) -> OpenApiResponse:
    if answer is None:
        return OpenApiResponse(description="Done.")
    if isinstance(answer, OpenApiResponse):
        return answer
    shown = answer.EXAMPLE
    if paged and shown is not None:
        shown = {"results": [shown], "next_cursor": None}
    examples = [OpenApiExample("Answer", value=shown, response_only=True)] if shown is not None else []
    described = cleandoc(answer.__doc__ or "").split("\n", maxsplit=1)[0]
    described = f"One page. Each row: {described}" if paged else described
    return OpenApiResponse(_page_of(answer) if paged else answer, description=described, examples=examples)


def _what_was_there(answer: type[Out] | OpenApiResponse | None) -> OpenApiResponse:
    shown = _success(answer, paged=False)
    return OpenApiResponse(shown.response, description="The same, of what was there already.", examples=shown.examples)


def _refusals(said: Sequence[Said], *, has_body: bool, public: bool) -> Mapping[int, OpenApiResponse]:
    answers: dict[int, list[OpenApiExample]] = {}
    fault = {"field": "name", "message": "This field is required."}
    _add(answers, 400, "invalid", "What was sent cannot be taken as it is.", errors=[fault])
    if has_body:
        _add(answers, 400, "malformed", "This is not JSON: Expecting value at character 1.")
        _add(answers, 413, "body_too_large", "The body is larger than the 1048576 bytes that are read here.")
        _add(answers, 415, "unsupported_media_type", "The body must be `Content-Type: application/json`.")
    if not public:
        _add(answers, 401, "not_signed_in", "This token is unknown, has run out, or was revoked. Sign in again.")
        _add(answers, 403, "not_allowed", "You are signed in, but this is for others.")
    for refusal in said:
        code = refusal.default_code if issubclass(refusal, APIException) else refusal.code
        _add(answers, _status_of(refusal), code, _said_by(refusal))
    _add(answers, 429, "too_many_requests", "Too many requests. Try again in 7 s.", details={"wait_seconds": 7})
    shapes: dict[int, type[Out]] = {400: InvalidOut}
    return {
        status: OpenApiResponse(shapes.get(status, ErrorOut), description=_MEANING[status], examples=examples)
        for status, examples in sorted(answers.items())
    }


_MEANING: Final = {
    400: "What was sent cannot be meant. Nothing was changed.",
    401: "Not signed in.",
    403: "Signed in, but not allowed.",
    404: "There is no such thing, or it is somebody else's.",
    409: "A rule says no. Nothing was changed.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    429: "Too many requests.",
}


def _add(answers: dict[int, list[OpenApiExample]], status: int, code: str, message: str, **more: object) -> None:
    value = {"code": code, "message": message, **more}
    answers.setdefault(status, []).append(
        OpenApiExample(code, value=value, response_only=True, status_codes=[str(status)])
    )


def _status_of(refusal: Said) -> int:
    if issubclass(refusal, APIException):
        return int(refusal.status_code)
    if issubclass(refusal, NotFound):
        return 404
    return 400 if issubclass(refusal, Invalid) else refusal.status


def _said_by(refusal: Said) -> str:
    if refusal is NotFound:
        return "There is no such thing."
    return " ".join(cleandoc(refusal.__doc__ or "").split("\n\n", maxsplit=1)[0].split())


def _request_examples(body: type[In] | None, uploads: Mapping[str, str]) -> Iterator[OpenApiExample]:
    if body is not None and body.EXAMPLE is not None:
        yield OpenApiExample("Request", value=body.EXAMPLE, request_only=True)
    for media_type, written in uploads.items():
        yield OpenApiExample(media_type, value=written, media_type=media_type, request_only=True)
