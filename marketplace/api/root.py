"""The addresses around the API: the home page, the schema and the page that shows it."""

from typing import Any, Final

from django.urls import path
from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView
from rest_framework.request import Request

OWN_PARTS_ONLY: Final = "; ".join(
    [
        "default-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "worker-src blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)


class DocsPage(SpectacularRedocView):
    """The schema as a page that also works without the internet: all its parts come from here."""

    template_name = "marketplace/api_docs.html"
    url_name = "schema"

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        page = super().finalize_response(request, response, *args, **kwargs)
        page["Content-Security-Policy"] = OWN_PARTS_ONLY
        return page


urlpatterns = [
    path("", TemplateView.as_view(template_name="marketplace/home.html"), name="home"),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs/", DocsPage.as_view(), name="docs"),
]
