"""The addresses of pages for people."""

from django.urls import path

from kernel.pages.addresses import confirm_email_page, forgotten_page, reset_password_page
from kernel.pages.invitation import invitation_page
from kernel.pages.second_factors import second_factors_page
from kernel.pages.signing_in import second_step_page, sign_in_page, sign_out_page, step_up_page

urlpatterns = [
    path("invitation/", invitation_page, name="invitation"),
    path("sign-in/", sign_in_page, name="sign_in"),
    path("second-step/", second_step_page, name="second_step"),
    path("step-up/", step_up_page, name="step_up"),
    path("sign-out/", sign_out_page, name="sign_out"),
    path("confirm/", confirm_email_page, name="confirm_email"),
    path("forgotten/", forgotten_page, name="forgotten"),
    path("reset/", reset_password_page, name="reset_password"),
    path("second-factors/", second_factors_page, name="second_factors"),
]
