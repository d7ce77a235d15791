"""The addresses around the API: the home page, the schema and the page that shows it."""

from functools import cache
from typing import Any, Final

from django.http import HttpResponse
from django.urls import path
from django.views.generic import TemplateView
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView
from rest_framework.request import Request

from kernel.page_policy import Nonce, policy_of_page

REDOCS_STYLES: Final = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "  # empty elements, which it then fills by rules
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"  # the look of its scroll bars
)


class SchemaPage(SpectacularAPIView):
    """The schema as YAML or JSON: the same for everybody, and a second of work, so each process makes it once."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        media_type: str = request.accepted_renderer.media_type
        return HttpResponse(written_schema(media_type), content_type=f"{media_type}; charset=utf-8")


@cache
def written_schema(media_type: str) -> bytes | str:
    """The schema, written in one of the forms that ``SchemaPage`` has."""
    (renderer,) = (known for known in SchemaPage.renderer_classes if known.media_type == media_type)
    generator: Any = SchemaGenerator  # drf-spectacular leaves its methods without types
    return renderer().render(generator().get_schema(request=None, public=True), renderer_context={})


class DocsPage(SpectacularRedocView):
    """The schema as a page that also works without the internet: all its parts come from here."""

    template_name = "marketplace/api_docs.html"
    url_name = "schema"

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        page = super().finalize_response(request, response, *args, **kwargs)
        nonce: Nonce = request._request.csp_nonce  # type: ignore[attr-defined]  # of the page's policy
        page["Content-Security-Policy"] = policy_of_page(nonce=nonce, style=REDOCS_STYLES, worker="blob:")
        return page


urlpatterns = [
    path("", TemplateView.as_view(template_name="marketplace/home.html"), name="home"),
    path("api/v1/schema/", SchemaPage.as_view(), name="schema"),
    path("api/v1/docs/", DocsPage.as_view(), name="docs"),
]
