"""The pages where people sign in and out, at the console or wherever else a browser comes."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from rest_framework.request import Request

from kernel.api.throttles import SecondStepThrottle, count_sign_in
from kernel.api.webauthn import KeyAnswerIn
from kernel.console.middleware import session_of
from kernel.models import Session
from kernel.pages.forms import (
    LONGEST_CREDENTIAL,
    SAID_ON_THE_PAGE,
    begin,
    credential_of,
    for_the_signed_in,
    lead_to,
    next_of,
    page,
    sentence_of,
    show,
    text_of,
    written,
)
from kernel.services.access import SecondFactorNeeded, sign_in
from kernel.services.challenges import ChallengeOver
from kernel.services.second_factors import Proof, begin_step_up, finish_sign_in, step_up


@page
def sign_in_page(request: HttpRequest) -> HttpResponse:
    """Ask for e-mail address and password, and begin a session with a key that nobody had before."""
    signed_in = session_of(request)
    if request.method == "POST":
        return _first_step(request)
    if signed_in is not None and lacks_second_factor(signed_in):
        return lead_to("second_factors", then=next_of(request))
    return show(request, "sign_in.html", {"session": signed_in})


@page
def second_step_page(request: HttpRequest) -> HttpResponse:
    """Take what was typed into the page of the second step, or what a security key has answered."""
    if request.method != "POST":
        return lead_to("sign_in", then=next_of(request))
    try:
        SecondStepThrottle().count(Request(request))
        session, token = finish_sign_in(
            challenge=text_of(request, "challenge"), proof=_proof(request), through="console"
        )
    except ChallengeOver:
        return show(request, "sign_in.html", {}, refused="That took too long, or too many tries. Sign in again.")
    except SAID_ON_THE_PAGE as refusal:
        return show(request, "second_step.html", _asked_again(request), refused=sentence_of(refusal))
    begin(request, session, token)
    return HttpResponseRedirect(next_of(request))


@for_the_signed_in
def step_up_page(request: HttpRequest, session: Session) -> HttpResponse:
    """Ask whoever is signed in to show again that it is them."""
    if request.method != "POST":
        challenge, kinds, options = begin_step_up(session=session)
        shown = {"challenge": challenge, "kinds": kinds, "options": written(options)}
        return show(request, "step_up.html", shown)
    try:
        SecondStepThrottle().count(Request(request), user=session.user)
        answered = text_of(request, "challenge") if request.POST.get("credential") else ""
        step_up(session=session, proof=_proof(request), challenge=answered)
    except SAID_ON_THE_PAGE as refusal:
        return show(request, "step_up.html", _asked_again(request), refused=sentence_of(refusal))
    return HttpResponseRedirect(next_of(request))


@never_cache
@require_POST
def sign_out_page(request: HttpRequest) -> HttpResponse:
    """End the session, here and everywhere."""
    request.session.flush()
    return HttpResponseRedirect("/")


def lacks_second_factor(session: Session) -> bool:
    """Whether this is an admin whose roles do not count yet."""
    return session.user.is_staff and session.second_factor_at is None


def _first_step(request: HttpRequest) -> HttpResponse:
    email = request.POST.get("email", "")
    try:
        count_sign_in(Request(request), email=lambda: email)
        session, token = sign_in(email=email, password=text_of(request, "password"), through="console")
    except SecondFactorNeeded as needed:
        asked: Any = needed.details
        shown = {"challenge": asked["challenge"], "kinds": asked["kinds"], "options": written(asked["webauthn"])}
        return show(request, "second_step.html", shown)
    except SAID_ON_THE_PAGE as refusal:
        return show(request, "sign_in.html", {}, refused=sentence_of(refusal))
    begin(request, session, token)
    if lacks_second_factor(session):
        return lead_to("second_factors", then=next_of(request))
    return HttpResponseRedirect(next_of(request))


def _proof(request: HttpRequest) -> Proof:
    if request.POST.get("credential"):
        return Proof(credential=credential_of(request, KeyAnswerIn) or {})
    return Proof(code=text_of(request, "code", longest=20), password=text_of(request, "password"))


def _asked_again(request: HttpRequest) -> dict[str, Any]:
    """The same page again: what it asked stands in its own form, and means nothing to anybody but its sender."""
    kinds = [kind for kind in request.POST.getlist("kinds") if kind in ("totp", "recovery_codes", "password")]
    shown = {name: text_of(request, name, longest=LONGEST_CREDENTIAL) for name in ("challenge", "options")}
    return {**shown, "kinds": kinds}
