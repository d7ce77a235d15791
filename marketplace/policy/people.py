"""Signing up, in and out, and API keys."""

from typing import Final

from kernel.policy import ANY, ANY_KEY, allow

ROWS: Final = (
    *allow("sign_up", on="user", to="anyone"),
    *allow("sign_in", on="session", to="anyone"),
    *allow("sign_out", on="session", to="person", why="An API key cannot sign out; it is revoked."),
    *allow("show_who_is_signed_in", on="user", to="person", scope=ANY_KEY),
    *allow("list_api_keys", on="API key", to="person", why="A program makes no further ways in."),
    *allow("create_an_api_key", on="API key", to="person"),
    *allow("revoke_an_api_key", on="API key", to="person"),
    *allow("page.sign_in", on="session", to="anyone"),
    *allow("page.sign_out", on="session", to="anyone"),
    *allow("page.home", on="page", to="anyone", when=ANY),
    *allow("page.schema", on="page", to="anyone", when=ANY),
    *allow("page.docs", on="page", to="anyone", when=ANY),
    *allow("page.live", on="page", to="anyone", when=ANY),
    *allow("page.ready", on="page", to="anyone", when=ANY),
    *allow("page.stripe_webhook", on="page", to="anyone", when=ANY, why="Believed only when Stripe has signed it."),
)
