"""The page on which whoever was invited becomes an admin."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from kernel.api.throttles import count_sign_in
from kernel.errors import Invalid
from kernel.services.access import LONGEST_PASSWORD
from kernel.services.admin_invitations import InvitationOver, redeem_invitation
from kernel.services.signing_up import EmailTaken

FIELDS = ("token", "email", "display_name", "password")


@sensitive_post_parameters("password", "token")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation_page(request: HttpRequest) -> HttpResponse:
    """Ask for the invitation, an e-mail address, a name and a password; then go on to signing in."""
    given = {name: request.POST.get(name, "")[: LONGEST_PASSWORD + 1] for name in FIELDS}
    refused: list[str] = []
    if request.method == "POST":
        try:
            count_sign_in(Request(request), email=lambda: given["email"])
            redeem_invitation(**{**given, "token": given["token"].strip()})
        except Throttled as refusal:
            seconds = max(1, round(getattr(refusal, "wait", None) or 1))
            refused = [f"Too many requests. Try again in {seconds} s."]
        except Invalid as refusal:
            refused = [refusal.message, *(str(fault["message"]) for fault in refusal.errors)]
        except (InvitationOver, EmailTaken) as refusal:
            refused = [refusal.message]
        else:
            return HttpResponseRedirect(reverse("sign_in"))
    shown = {"refused": list(dict.fromkeys(refused)), "given": {**given, "password": ""}}
    return render(request, "account/invitation.html", shown, status=403 if refused else 200)
