"""The project's own addresses, and the bare view's copies of the two that are measured."""

from django.urls import include, path

from kernel import policy
from kernel.policy import allow
from marketplace.bench.bare_view import claim, submit

policy.install(
    policy.table().plus(
        [*allow("page.bare_claim", on="page", to="anyone"), *allow("page.bare_submit", on="page", to="anyone")]
    )
)

urlpatterns = [
    path("bare/assignments/", claim, name="bare_claim"),
    path("bare/assignments/<uuid:assignment_id>/submit/", submit, name="bare_submit"),
    path("", include("marketplace.urls")),
]

handler400 = "kernel.pages.errors.bad_request"
handler403 = "kernel.pages.errors.forbidden"
handler404 = "kernel.pages.errors.page_not_found"
handler500 = "kernel.pages.errors.server_error"
