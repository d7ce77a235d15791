"""The project's own addresses, and the bare view's copies of the two that are measured."""

from django.urls import include, path

from marketplace.bench.bare_view import claim, submit

urlpatterns = [
    path("bare/assignments/", claim),
    path("bare/assignments/<uuid:assignment_id>/submit/", submit),
    path("", include("marketplace.urls")),
]
