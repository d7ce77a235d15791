"""What the pages have in common: how a form is read, and how its page answers."""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import Throttled, ValidationError

from kernel import strict_json
from kernel.api.serializers import In
from kernel.console.middleware import session_of
from kernel.console.permits import principal_of
from kernel.console.session_store import SessionStore
from kernel.errors import Invalid, NotAllowed, NotFound, Refused
from kernel.models import Session
from kernel.pages.errors import not_allowed
from kernel.permit import admit
from kernel.ways_in import FreshFactorRequired

LONGEST_TEXT: Final = 256
LONGEST_CREDENTIAL: Final = 40_000

Page = Callable[[HttpRequest], HttpResponse]
PersonalPage = Callable[[HttpRequest, Session], HttpResponse]

SAID_ON_THE_PAGE: Final = (Refused, Invalid, NotFound, Throttled)
"""What a page answers with the sentence, in the page."""


def page(view: Page) -> Page:
    """A page with a form: shown or sent, never kept, and what was typed never logged."""
    guarded: Page = sensitive_post_parameters()(never_cache(require_http_methods(["GET", "HEAD", "POST"])(view)))
    return guarded


def for_the_signed_in(view: PersonalPage) -> Page:
    """Such a page for whoever is signed in and whom the policy lets; others are led to what they lack, or refused."""

    @wraps(view)
    def shown(request: HttpRequest) -> HttpResponse:
        session = session_of(request)
        if session is None:
            return lead_to("sign_in", then=request.get_full_path())
        try:
            admit(principal_of(request), action_of_page(request))
        except FreshFactorRequired:
            return lead_to("step_up", then=request.get_full_path())
        except NotAllowed as refusal:
            return not_allowed(request, refusal.message)
        return view(request, session)

    return page(shown)


def action_of_page(request: HttpRequest) -> str:
    """What the policy table calls the page that is asked for."""
    assert request.resolver_match is not None, "A page is found by its address."
    return f"page.{request.resolver_match.view_name}"


def lead_to(name: str, *, then: str) -> HttpResponse:
    """Lead to the page of this name, and from there on."""
    return HttpResponseRedirect(f"{reverse(name)}?{urlencode({'next': then})}")


def show(request: HttpRequest, template: str, shown: Mapping[str, Any], *, refused: str = "") -> HttpResponse:
    """A page, with the sentence of what was refused."""
    said = {**shown, "refused": refused, "next": next_of(request), "elsewhere": keys_work_at(request)}
    return render(request, f"account/{template}", said, status=403 if refused else 200)


def sentence_of(refusal: Exception) -> str:
    """What a page says of a refusal."""
    if isinstance(refusal, Throttled):
        return f"Too many requests. Try again in {max(1, round(getattr(refusal, 'wait', None) or 1))} s."
    if isinstance(refusal, Invalid) and refusal.errors:
        return " ".join(str(error["message"]) for error in refusal.errors)
    return str(getattr(refusal, "message", refusal))


def begin(request: HttpRequest, session: Session, token: str) -> None:
    """Let the answer's cookie hold this session's key from now on."""
    store = request.session
    assert isinstance(store, SessionStore), "Pages stand on our own session store."
    store.begin(session, token)
    rotate_token(request)


def next_of(request: HttpRequest) -> str:
    """Where to go on: an address of our own, and nobody else's."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    return asked if url_has_allowed_host_and_scheme(asked, allowed_hosts=None) else settings.LOGIN_REDIRECT_URL


def keys_work_at(request: HttpRequest) -> str:
    """The origin that security keys are bound to, when this page was reached by another one."""
    return "" if f"{request.scheme}://{request.get_host()}" == settings.BASE_URL else settings.BASE_URL


def text_of(request: HttpRequest, name: str, *, longest: int = LONGEST_TEXT) -> str:
    """What was typed into a field; nothing, when it is longer than anything that could be meant."""
    text = request.POST.get(name, "")
    return text if len(text) <= longest and "\x00" not in text else ""


def credential_of(request: HttpRequest, kind: type[In]) -> Mapping[str, Any] | None:
    """The answer of a security key that the page's script has put into the form; None when there is none to read."""
    text = text_of(request, "credential", longest=LONGEST_CREDENTIAL)
    try:
        read = kind(data=strict_json.loads(text))
        read.is_valid(raise_exception=True)
    except (strict_json.NotStrictJson, ValidationError):
        return None
    answered: Mapping[str, Any] = read.validated_data
    return answered


def written(options: Mapping[str, Any] | None) -> str:
    """What the page's script hands to the browser, as JSON."""
    return json.dumps(options) if options else ""
