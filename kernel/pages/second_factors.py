"""The page of one's own second factors: looking, adding, removing, and what to do when they are lost."""

import base64
from typing import Final

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from kernel import allauth_gateway as gateway
from kernel.api.throttles import SecondStepThrottle
from kernel.api.webauthn import NewKeyAnswerIn
from kernel.errors import Invalid
from kernel.models import Session
from kernel.pages.forms import (
    SAID_ON_THE_PAGE,
    PersonalPage,
    begin,
    credential_of,
    for_the_signed_in,
    sentence_of,
    show,
    text_of,
    written,
)
from kernel.services import second_factors
from kernel.services.audit import Actor
from kernel.services.challenges import WrongSecondFactor
from kernel.services.second_factors import Added
from kernel.text import clean_line


@for_the_signed_in
def second_factors_page(request: HttpRequest, session: Session) -> HttpResponse:
    """Show one's factors; add and remove them."""
    if request.method != "POST":
        return _overview(request, session)
    step = _STEPS.get(request.POST.get("step", ""), _overview)
    try:
        SecondStepThrottle().count(Request(request), user=session.user)
        return step(request, session)
    except SAID_ON_THE_PAGE as refusal:
        return _overview(request, session, refused=sentence_of(refusal))


def _overview(request: HttpRequest, session: Session, refused: str = "") -> HttpResponse:
    factors = gateway.factors_of(session.user)
    shown = {
        "factors": factors,
        "has_app": any(factor.kind == gateway.TOTP for factor in factors),
        "is_required": session.user.is_staff,
        "passed": session.second_factor_at is not None,
    }
    return show(request, "second_factors.html", shown, refused=refused)


def _begin_app(request: HttpRequest, session: Session) -> HttpResponse:
    challenge, secret, link = second_factors.begin_totp(user=session.user)
    return _app_page(request, challenge=challenge, secret=secret, link=link)


def _app_page(request: HttpRequest, *, challenge: str, secret: str, link: str, refused: str = "") -> HttpResponse:
    picture = base64.b64encode(gateway.totp_picture(link).encode()).decode()
    shown = {"challenge": challenge, "secret": secret, "link": link, "picture": picture}
    return show(request, "new_app.html", shown, refused=refused)


def _add_app(request: HttpRequest, session: Session) -> HttpResponse:
    code, challenge = text_of(request, "code", longest=20), text_of(request, "challenge")
    try:
        added = second_factors.add_totp(session=session, challenge=challenge, code=code)
    except WrongSecondFactor as refusal:
        return _app_page(
            request,
            challenge=challenge,
            secret=text_of(request, "secret"),
            link=text_of(request, "link"),
            refused=refusal.message,
        )
    return _added(request, session, added)


def _begin_key(request: HttpRequest, session: Session) -> HttpResponse:
    challenge, options = second_factors.begin_security_key(user=session.user)
    return show(request, "new_key.html", {"challenge": challenge, "options": written(options)})


def _add_key(request: HttpRequest, session: Session) -> HttpResponse:
    added = second_factors.add_security_key(
        session=session,
        challenge=text_of(request, "challenge"),
        name=clean_line(text_of(request, "name"), what="name", longest=60, field="name"),
        credential=credential_of(request, NewKeyAnswerIn) or {"id": "", "response": {}},
    )
    return _added(request, session, added)


def _remove(request: HttpRequest, session: Session) -> HttpResponse:
    chosen = text_of(request, "factor", longest=18)
    if not (chosen.isascii() and chosen.isdigit()):
        raise Invalid("There is no such second factor.")
    second_factors.remove_factor(user=session.user, factor_id=int(chosen), by=Actor.user(session.user))
    return _overview(request, session)


def _renew_codes(request: HttpRequest, session: Session) -> HttpResponse:
    codes = second_factors.renew_recovery_codes(user=session.user, by=Actor.user(session.user))
    return show(request, "recovery_codes.html", {"codes": codes})


def _added(request: HttpRequest, session: Session, added: Added) -> HttpResponse:
    begin(request, session, added.token)
    if added.recovery_codes:
        return show(request, "recovery_codes.html", {"codes": added.recovery_codes})
    return _overview(request, session)


_STEPS: Final[dict[str, PersonalPage]] = {
    "begin_app": _begin_app,
    "add_app": _add_app,
    "begin_key": _begin_key,
    "add_key": _add_key,
    "remove": _remove,
    "renew_codes": _renew_codes,
}
