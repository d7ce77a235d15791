"""The pages that mails lead to: confirming an address, choosing another password, and asking for that.

A link only shows a page; what it is for happens when its form is sent. So whatever looks into mails before people do
uses no link up.
"""

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from kernel.api.throttles import SecondStepThrottle, count_sign_in
from kernel.pages.forms import SAID_ON_THE_PAGE, page, sentence_of, show, text_of
from kernel.services.signing_up import ask_for_reset, confirm_email, reset_password


@page
def confirm_email_page(request: HttpRequest) -> HttpResponse:
    """Take the password that was chosen with the address that the link was sent to."""
    if request.method != "POST":
        return _from_mail(request, "confirm_email.html")
    token = text_of(request, "token")
    try:
        SecondStepThrottle().count(Request(request))
        confirm_email(token=token, password=text_of(request, "password"))
    except SAID_ON_THE_PAGE as refusal:
        return show(request, "confirm_email.html", {"token": token}, refused=sentence_of(refusal))
    return show(request, "done.html", {"done": "Your e-mail address is confirmed."})


@page
def forgotten_page(request: HttpRequest) -> HttpResponse:
    """Take an address, and answer the same whoever has it."""
    if request.method != "POST":
        return show(request, "forgotten.html", {})
    email = text_of(request, "email")
    try:
        count_sign_in(Request(request), email=lambda: email)
        ask_for_reset(email=email)
    except SAID_ON_THE_PAGE as refusal:
        return show(request, "forgotten.html", {}, refused=sentence_of(refusal))
    return show(request, "done.html", {"done": "If this address is known here, a mail is on its way to it."})


@page
def reset_password_page(request: HttpRequest) -> HttpResponse:
    """Take another password for whoever has the link."""
    if request.method != "POST":
        return _from_mail(request, "reset_password.html")
    token = text_of(request, "token")
    try:
        SecondStepThrottle().count(Request(request))
        reset_password(token=token, password=text_of(request, "password"))
    except SAID_ON_THE_PAGE as refusal:
        return show(request, "reset_password.html", {"token": token}, refused=sentence_of(refusal))
    return show(request, "done.html", {"done": "Your password is changed, and all your sessions have ended."})


def _from_mail(request: HttpRequest, template: str) -> HttpResponse:
    token = request.GET.get("link", "")[:100]
    return show(request, template, {"token": token})
