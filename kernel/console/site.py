"""Django's admin site, let in by our own sign-in."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse

from kernel.console.permits import console_permit
from kernel.pages.signing_in import sign_in_page, sign_out_page


class Console(AdminSite):
    """The operators' console. It has no way in of its own."""

    site_title = site_header = "Assay"
    index_title = "Operators' console"

    def has_permission(self, request: HttpRequest) -> bool:
        return console_permit(request, "page.admin:index") is not None

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return sign_in_page(request)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return sign_out_page(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        raise Http404

    def password_change_done(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        raise Http404
