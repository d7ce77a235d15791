"""What an installation may not start with."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

PLACEHOLDERS = ("change", "insecure", "secret", "example", "placeholder", "password", "xxxx", "1234", "your")
SHORTEST_SECRET = 40
SHORTEST_WEBHOOK_SECRET = 24
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def refuse_unsafe_settings(
    *,
    production: bool,
    secret_key: str,
    master_keys: Sequence[str],
    debug: bool,
    hosts: Sequence[str],
    stripe_api_key: str,
    stripe_webhook_secret: str,
    stripe_api_base: str,
) -> None:
    """Raise ImproperlyConfigured with every reason at once, each one a sentence that says what to do."""
    faults = list(stripe_double_faults(api_key=stripe_api_key, api_base=stripe_api_base, production=production))
    if production:
        faults += secret_faults(secret_key=secret_key, master_keys=master_keys)
        faults += web_faults(debug=debug, hosts=hosts)
        faults += stripe_faults(api_key=stripe_api_key, webhook_secret=stripe_webhook_secret)
    if faults:
        raise ImproperlyConfigured("Assay does not start with these settings:\n" + "\n".join(f"- {f}" for f in faults))


def secret_faults(*, secret_key: str, master_keys: Sequence[str]) -> Iterator[str]:
    """Secrets that are missing, short, or were copied from an example."""
    if looks_weak(secret_key):
        yield (
            f"ASSAY_SECRET_KEY must be random and at least {SHORTEST_SECRET} characters long. "
            'Make one: python3 -c "import secrets; print(secrets.token_urlsafe(64))"'
        )
    if not master_keys:
        yield (
            "ASSAY_MASTER_KEYS is not set; without it personal data cannot be sealed. Make one: "
            "python3 -c \"import base64, os; print('k1:' + base64.b64encode(os.urandom(32)).decode())\""
        )


def web_faults(*, debug: bool, hosts: Sequence[str]) -> Iterator[str]:
    """Doors that stand open."""
    if debug:
        yield "ASSAY_DEBUG is on; debug pages show settings and source to everybody. Turn it off."
    if not hosts or any(host.strip("[]*.") == "" for host in hosts):
        yield "ASSAY_HOSTS must name the hosts that this server answers to; * and an empty list would let in any."


def stripe_faults(*, api_key: str, webhook_secret: str) -> Iterator[str]:
    """Stripe's credentials, without which no money moves."""
    if not api_key:
        yield "STRIPE_API_KEY is not set; take it from Stripe's dashboard."
    if not webhook_secret:
        yield "STRIPE_WEBHOOK_SECRET is not set; Stripe's dashboard shows it beside the webhook endpoint."
    elif any(looks_weak(secret.strip(), shortest=SHORTEST_WEBHOOK_SECRET) for secret in webhook_secret.split(",")):
        yield "STRIPE_WEBHOOK_SECRET is a placeholder; who guesses it can forge Stripe's webhooks. Take Stripe's own."


def stripe_double_faults(*, api_key: str, api_base: str, production: bool) -> Iterator[str]:
    """The double moves no money; it must never meet a live key, a production database or another machine."""
    if not api_base:
        return
    if production:
        yield "STRIPE_API_BASE is for the demo and for tests; in production leave it unset."
    if "_live_" in api_key:
        yield "STRIPE_API_BASE is set together with a live STRIPE_API_KEY; unset one of them."
    if urlsplit(api_base).hostname not in LOOPBACK:
        yield f"STRIPE_API_BASE is {api_base}; the double is reached on this machine only, as http://127.0.0.1:port."


def looks_weak(secret: str, *, shortest: int = SHORTEST_SECRET) -> bool:
    """Whether a secret is short, monotonous or a placeholder."""
    words = secret.lower()
    return len(secret) < shortest or len(set(secret)) < 10 or any(word in words for word in PLACEHOLDERS)
