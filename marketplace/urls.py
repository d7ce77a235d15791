"""The addresses that the web server knows."""

from django.contrib import admin
from django.urls import include, path

from marketplace import views

# Addresses are tried in this order, so the busiest stand first.
urlpatterns = [
    path("api/v1/", include("marketplace.api.urls")),
    path("", include("marketplace.api.root")),
    path("admin/", admin.site.urls),
    path("account/", include("kernel.pages.urls")),
    path("money/", views.money_page, name="money"),
    path("money/earnings/", views.earnings_page, name="earnings"),
    path("money/client/", views.client_money_page, name="client_money"),
    path("money/invoice/", views.invoice_page, name="invoice"),
    path("money/trace/", views.trace_page, name="money_trace"),
    path("health/", include("kernel.api.health")),
    path("webhooks/", include("billing.api.webhooks")),
    path("api/v1/", include("kernel.api.urls")),
    path("api/v1/", include("billing.api.urls")),
    path("api/v1/", include("workforce.api.urls")),
    path("api/v1/", include("qualification.api.urls")),
]

handler400 = "kernel.pages.errors.bad_request"
handler403 = "kernel.pages.errors.forbidden"
handler404 = "kernel.pages.errors.page_not_found"
handler500 = "kernel.pages.errors.server_error"
