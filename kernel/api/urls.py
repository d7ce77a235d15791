"""The kernel's part of `/api/v1/`."""

from django.urls import path

from kernel.api import second_factors, sessions
from kernel.api.admin_invitations import InvitationsView, InvitationView, RedeemView
from kernel.api.admin_roles import AdminRolesView, AdminRoleView
from kernel.api.api_keys import ApiKeysView, ApiKeyView, RotationView
from kernel.api.people import (
    ConfirmationsView,
    EmailView,
    MeView,
    OwnConfirmationView,
    PasswordView,
    ResetRequestsView,
    ResetsView,
    UsersView,
)

urlpatterns = [
    path("users/", UsersView.as_view()),
    path("users/<uuid:user_id>/end-sessions/", sessions.SomebodysSessionsView.as_view()),
    path("users/<uuid:user_id>/reset-second-factors/", second_factors.LostFactorsView.as_view()),
    path("session/", sessions.SessionView.as_view()),
    path("session/second-factor/", second_factors.SecondStepView.as_view()),
    path("session/step-up/", second_factors.StepUpView.as_view()),
    path("session/step-up/begin/", second_factors.StepUpChallengeView.as_view()),
    path("sessions/", sessions.SessionsView.as_view()),
    path("second-factors/", second_factors.FactorsView.as_view()),
    path("second-factors/<int:factor_id>/", second_factors.FactorView.as_view()),
    path("second-factors/totp/", second_factors.TotpView.as_view()),
    path("second-factors/totp/begin/", second_factors.TotpChallengeView.as_view()),
    path("second-factors/webauthn/", second_factors.KeyView.as_view()),
    path("second-factors/webauthn/begin/", second_factors.KeyChallengeView.as_view()),
    path("second-factors/recovery-codes/", second_factors.RecoveryCodesView.as_view()),
    path("me/", MeView.as_view()),
    path("me/email/", EmailView.as_view()),
    path("me/email-confirmation/", OwnConfirmationView.as_view()),
    path("me/password/", PasswordView.as_view()),
    path("email-confirmations/", ConfirmationsView.as_view()),
    path("password-resets/", ResetRequestsView.as_view()),
    path("password-resets/completion/", ResetsView.as_view()),
    path("admin-roles/", AdminRolesView.as_view()),
    path("admin-roles/<uuid:admin_role_id>/", AdminRoleView.as_view()),
    path("admin-invitations/", InvitationsView.as_view()),
    path("admin-invitations/<uuid:admin_invitation_id>/", InvitationView.as_view()),
    path("admin-invitations/redeem/", RedeemView.as_view()),
    path("api-keys/", ApiKeysView.as_view()),
    path("api-keys/<uuid:api_key_id>/", ApiKeyView.as_view()),
    path("api-keys/<uuid:api_key_id>/rotate/", RotationView.as_view()),
]
