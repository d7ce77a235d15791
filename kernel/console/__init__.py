"""The operators' console as Django knows it, standing on our own sessions and our own sign-in."""
