"""Signing up, in and out, second factors, sessions and API keys."""

from typing import Final

from kernel.policy import ANY, ANY_KEY, allow
from marketplace.policy.shapes import PERSON

ME: Final = f"{PERSON} email_is_confirmed roles signed_in_by signed_in_until second_factor_at fresh_until"
SESSION: Final = "token expires_at idle_seconds"
PAST_SESSION: Final = "id created_at last_seen_at expires_at revoked_at second_factor_at"
CREDENTIAL: Final = "id rawId type authenticatorAttachment clientExtensionResults"
SHOWN_KEY: Final = f"{CREDENTIAL} response(clientDataJSON authenticatorData signature userHandle)"
NEW_KEY: Final = (
    f"{CREDENTIAL} response(clientDataJSON attestationObject authenticatorData publicKey publicKeyAlgorithm transports)"
)
FACTOR: Final = "id kind name created_at last_used_at left"
ADDED: Final = f"{SESSION} factor({FACTOR}) recovery_codes"
API_KEY: Final = "id name prefix scopes created_at expires_at last_used_at revoked_at replaces_id"
ADMIN_ROLE: Final = f"id user({PERSON}) role granted_by granted_at"
INVITATION: Final = "id roles invited_by invited_at expires_at withdrawn_at redeemed_at redeemed_by"

ROWS: Final = (
    *allow("sign_up", on="user", to="anyone", reads="email", writes="email password display_name"),
    *allow(
        "confirm_an_e_mail_address",
        on="user",
        to="anyone",
        writes="token password",
        why="Whoever has the link and the password.",
    ),
    *allow("ask_for_a_password_reset", on="user", to="anyone", reads="email", writes="email"),
    *allow("reset_a_password", on="user", to="anyone", writes="token password", why="Whoever has the link."),
    *allow("ask_for_another_confirmation", on="user", to="newcomer", reads="email"),
    *allow("change_one_s_e_mail_address", on="user", to="newcomer", reads="email", writes="email", fresh=True),
    *allow("change_one_s_password", on="user", to="newcomer", reads=SESSION, writes="password", fresh=True),
    *allow("sign_in", on="session", to="anyone", reads=SESSION, writes="email password"),
    *allow("sign_out", on="session", to="newcomer", why="An API key cannot sign out; it is revoked."),
    *allow(
        "finish_a_sign_in", on="session", to="anyone", reads=SESSION, writes=f"challenge code credential({SHOWN_KEY})"
    ),
    *allow(
        "begin_a_step_up",
        on="session",
        to="newcomer",
        reads="challenge kinds webauthn",
        why="An API key shows nobody to be there.",
    ),
    *allow(
        "step_up",
        on="session",
        to="newcomer",
        reads="fresh_until",
        writes=f"code password challenge credential({SHOWN_KEY})",
    ),
    *allow("list_sessions", on="session", to="newcomer", reads=PAST_SESSION),
    *allow("end_somebody_s_sessions", on="user", to="access", writes="why api_keys", fresh=True),
    *allow("list_second_factors", on="second factor", to="person", reads=f"factors({FACTOR})"),
    *allow("begin_an_authenticator_app", on="second factor", to="person", reads="challenge secret link", fresh=True),
    *allow(
        "add_an_authenticator_app", on="second factor", to="person", reads=ADDED, writes="challenge code", fresh=True
    ),
    *allow("begin_a_security_key", on="second factor", to="person", reads="challenge webauthn", fresh=True),
    *allow(
        "add_a_security_key",
        on="second factor",
        to="person",
        reads=ADDED,
        writes=f"challenge name credential({NEW_KEY})",
        fresh=True,
    ),
    *allow("remove_a_second_factor", on="second factor", to="person", fresh=True),
    *allow("renew_recovery_codes", on="second factor", to="person", reads="recovery_codes", fresh=True),
    *allow("reset_somebody_s_second_factors", on="user", to="access", writes="why", fresh=True),
    *allow("show_who_is_signed_in", on="user", to="newcomer", reads=ME, scope=ANY_KEY),
    *allow("list_api_keys", on="API key", to="person", reads=API_KEY, why="A program makes no further ways in."),
    *allow(
        "create_an_api_key",
        on="API key",
        to="person",
        reads=f"{API_KEY} token",
        writes="name scopes expires_at",
        fresh=True,
    ),
    *allow(
        "rotate_an_api_key",
        on="API key",
        to="person",
        reads=f"{API_KEY} token",
        writes="overlap_seconds expires_at",
        fresh=True,
    ),
    *allow("revoke_an_api_key", on="API key", to="person"),
    *allow("list_admin_roles", on="admin role", to="access auditor", reads=ADMIN_ROLE, scope="admin.read"),
    *allow(
        "grant_an_admin_role",
        on="admin role",
        to="access",
        reads=ADMIN_ROLE,
        writes="email role why",
        fresh=True,
        why="Nobody changes their own.",
    ),
    *allow("withdraw_an_admin_role", on="admin role", to="access", fresh=True, why="Nobody changes their own."),
    *allow("list_admin_invitations", on="admin invitation", to="access auditor", reads=INVITATION, scope="admin.read"),
    *allow(
        "invite_an_admin", on="admin invitation", to="access", reads=f"{INVITATION} token", writes="roles", fresh=True
    ),
    *allow("withdraw_an_admin_invitation", on="admin invitation", to="access", fresh=True),
    *allow(
        "redeem_an_admin_invitation",
        on="admin invitation",
        to="anyone",
        reads=PERSON,
        writes="token email password display_name",
        why="Whoever has its token.",
    ),
    *allow("page.invitation", on="admin invitation", to="anyone", why="Whoever has its token."),
    *allow("page.confirm_email", on="user", to="anyone", why="Whoever has the link and the password."),
    *allow("page.forgotten", on="user", to="anyone"),
    *allow("page.reset_password", on="user", to="anyone", why="Whoever has the link."),
    *allow("page.sign_in", on="session", to="anyone"),
    *allow("page.second_step", on="session", to="anyone"),
    *allow("page.step_up", on="session", to="newcomer"),
    *allow("page.sign_out", on="session", to="anyone"),
    *allow("page.second_factors", on="second factor", to="person", fresh=True),
    *allow("page.home", on="page", to="anyone", when=ANY),
    *allow("page.schema", on="page", to="anyone", when=ANY),
    *allow("page.docs", on="page", to="anyone", when=ANY),
    *allow("page.live", on="page", to="anyone", when=ANY),
    *allow("page.ready", on="page", to="anyone", when=ANY),
    *allow("page.stripe_webhook", on="page", to="anyone", when=ANY, why="Believed only when Stripe has signed it."),
)
