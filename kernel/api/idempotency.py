"""The `Idempotency-Key` header: a creating POST that is sent twice has one effect and one answer."""

import json
import re
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api.views import ApiView
from kernel.errors import Invalid
from kernel.models import User
from kernel.services.idempotency import Answer, answer_once

HEADER: Final = "Idempotency-Key"
KEY: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)

Method = Callable[..., Any]
"""A view's method. It answers with a Response, or, where nothing is created, with a stream."""


class InvalidIdempotencyKey(Invalid):
    """The Idempotency-Key is not 1 to 255 visible ASCII characters."""

    code = "invalid_idempotency_key"


def idempotent(method: Method, *, not_kept: Iterable[str] = ()) -> Method:
    """Let ``method`` honour the Idempotency-Key. Fields named in ``not_kept`` are null in a repeated answer."""
    secret = frozenset(not_kept)

    def without_secrets(body: object) -> object:
        return {k: None if k in secret else v for k, v in body.items()} if isinstance(body, dict) else body

    @wraps(method)
    def once(view: ApiView, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.META.get("HTTP_IDEMPOTENCY_KEY")
        if key is None or not isinstance(request.user, User):
            plain: Response = method(view, request, *args, **kwargs)
            return plain
        if not KEY.fullmatch(key):
            raise InvalidIdempotencyKey("An Idempotency-Key is 1 to 255 visible ASCII characters, such as a UUID.")

        def effect() -> Answer:
            response = method(view, request, *args, **kwargs)
            return Answer(status=response.status_code, body=_plain(view, response))

        answer = answer_once(
            user_id=request.user.pk,
            key=key,
            path=request.get_full_path()[:300],
            body_sha256=view.body_sha256(),
            effect=effect,
            kept=without_secrets,
        )
        headers = {"Idempotent-Replayed": "true"} if answer.replayed else {}
        kept = Response(answer.body, status=answer.status, headers=headers)
        return view.shown_by_policy(kept, paged=False) if answer.replayed else kept  # as the policy is by now

    return once


def _plain(view: ApiView, response: Response) -> object:
    renderer = view.get_renderers()[0]
    rendered = renderer.render(response.data)
    return json.loads(rendered) if rendered else None
