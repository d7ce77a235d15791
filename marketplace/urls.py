"""The addresses that the web server knows."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("marketplace.api.root")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("kernel.api.urls")),
]

handler404 = "kernel.api.errors.page_not_found"
handler500 = "kernel.api.errors.server_error"
