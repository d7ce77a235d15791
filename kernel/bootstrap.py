"""Brings the project's environment before Django can be imported; standard library only."""


def enter_environment() -> None:
    """Make sure that what requirements.lock names is installed, and run inside it."""
