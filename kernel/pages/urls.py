"""The addresses of pages for people."""

from django.urls import path

from kernel.pages.signing_in import sign_in_page, sign_out_page

urlpatterns = [
    path("sign-in/", sign_in_page, name="sign_in"),
    path("sign-out/", sign_out_page, name="sign_out"),
]
