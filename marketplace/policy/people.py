"""Signing up, in and out, second factors, sessions and API keys."""

from typing import Final

from kernel.policy import ANY, ANY_KEY, allow

ROWS: Final = (
    *allow("sign_up", on="user", to="anyone"),
    *allow("sign_in", on="session", to="anyone"),
    *allow("sign_out", on="session", to="person", why="An API key cannot sign out; it is revoked."),
    *allow("finish_a_sign_in", on="session", to="anyone"),
    *allow("begin_a_step_up", on="session", to="person", why="An API key shows nobody to be there."),
    *allow("step_up", on="session", to="person"),
    *allow("list_sessions", on="session", to="person"),
    *allow("end_somebody_s_sessions", on="user", to="access", fresh=True),
    *allow("list_second_factors", on="second factor", to="person"),
    *allow("begin_an_authenticator_app", on="second factor", to="person", fresh=True),
    *allow("add_an_authenticator_app", on="second factor", to="person", fresh=True),
    *allow("begin_a_security_key", on="second factor", to="person", fresh=True),
    *allow("add_a_security_key", on="second factor", to="person", fresh=True),
    *allow("remove_a_second_factor", on="second factor", to="person", fresh=True),
    *allow("renew_recovery_codes", on="second factor", to="person", fresh=True),
    *allow("reset_somebody_s_second_factors", on="user", to="access", fresh=True),
    *allow("show_who_is_signed_in", on="user", to="person", scope=ANY_KEY),
    *allow("list_api_keys", on="API key", to="person", why="A program makes no further ways in."),
    *allow("create_an_api_key", on="API key", to="person", fresh=True),
    *allow("revoke_an_api_key", on="API key", to="person"),
    *allow("list_admin_roles", on="admin role", to="access auditor", scope="admin.read"),
    *allow("grant_an_admin_role", on="admin role", to="access", why="Nobody changes their own."),
    *allow("withdraw_an_admin_role", on="admin role", to="access", why="Nobody changes their own."),
    *allow("page.sign_in", on="session", to="anyone"),
    *allow("page.second_step", on="session", to="anyone"),
    *allow("page.step_up", on="session", to="person"),
    *allow("page.sign_out", on="session", to="anyone"),
    *allow("page.second_factors", on="second factor", to="person", fresh=True),
    *allow("page.home", on="page", to="anyone", when=ANY),
    *allow("page.schema", on="page", to="anyone", when=ANY),
    *allow("page.docs", on="page", to="anyone", when=ANY),
    *allow("page.live", on="page", to="anyone", when=ANY),
    *allow("page.ready", on="page", to="anyone", when=ANY),
    *allow("page.stripe_webhook", on="page", to="anyone", when=ANY, why="Believed only when Stripe has signed it."),
)
