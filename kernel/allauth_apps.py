"""Allauth's account app, of which only the tables are here: its second factors import them."""

from allauth.account.apps import AccountConfig


class AccountTables(AccountConfig):  # type: ignore[misc]  # allauth has no types
    """The app without its middleware, checks and views: none of its flows is served (ADR 0011)."""

    def ready(self) -> None:
        """Nothing: what it asks for here serves flows that there are not."""
