"""The page where people sign in, at the console or wherever else a browser comes."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from kernel.api.throttles import count_sign_in
from kernel.console.middleware import session_of
from kernel.console.session_store import SessionStore
from kernel.models import Session
from kernel.services.access import LONGEST_PASSWORD, WrongCredentials, sign_in


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_page(request: HttpRequest) -> HttpResponse:
    """Ask for e-mail address and password, and begin a session with a key that nobody had before."""
    refused = ""
    if request.method == "POST":
        try:
            count_sign_in(Request(request), email=lambda: request.POST.get("email", ""))
            session, token = sign_in(
                email=request.POST.get("email", ""), password=_password_of(request), through="console"
            )
        except Throttled as refusal:
            seconds = max(1, round(getattr(refusal, "wait", None) or 1))
            refused = f"Too many requests. Try again in {seconds} s."
        except WrongCredentials as refusal:
            refused = refusal.message
        else:
            return _begin(request, session, token)
    shown = {"refused": refused, "next": _next_of(request), "session": session_of(request)}
    return render(request, "account/sign_in.html", shown, status=403 if refused else 200)


@never_cache
@require_POST
def sign_out_page(request: HttpRequest) -> HttpResponse:
    """End the session, here and everywhere."""
    request.session.flush()
    return HttpResponseRedirect("/")


def _begin(request: HttpRequest, session: Session, token: str) -> HttpResponse:
    store = request.session
    assert isinstance(store, SessionStore), "Pages stand on our own session store."
    store.begin(session, token)
    rotate_token(request)
    return HttpResponseRedirect(_next_of(request))


def _next_of(request: HttpRequest) -> str:
    """Where to go on: an address of our own, and nobody else's."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    return asked if url_has_allowed_host_and_scheme(asked, allowed_hosts=None) else settings.LOGIN_REDIRECT_URL


def _password_of(request: HttpRequest) -> str:
    password = request.POST.get("password", "")
    return password if len(password) <= LONGEST_PASSWORD else ""
