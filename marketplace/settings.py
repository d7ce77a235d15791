"""Django's settings. Every variable read here is described in docs/configuration.md, and a test holds the two equal."""

from pathlib import Path
from typing import Any

from kernel.cache_url import cache_beside
from kernel.database_url import database_from_url
from kernel.email_url import mail_settings
from kernel.embedded.broker import EmbeddedBroker
from kernel.environment import SECRETS, choice, flag, kept_secret, listed, names, number, origins, secret, text
from marketplace.beat import BEAT
from marketplace.production import Doors, refuse_unsafe_settings

BASE_DIR = Path(__file__).resolve().parent.parent

ENVIRONMENT = choice(
    "ASSAY_ENV",
    options=("local", "test", "production"),
    about="What this installation is. `production` refuses unsafe settings.",
)
PRODUCTION = ENVIRONMENT == "production"
VAR_DIR = Path(
    text("ASSAY_VAR", default="var", about="The folder of all files that Assay itself writes; relative to the project.")
)
VAR_DIR = BASE_DIR / VAR_DIR.expanduser()
LOG_DIR = VAR_DIR / "log"

# --- Secrets ---

SECRET_KEY = secret(
    "ASSAY_SECRET_KEY", about="Signs sessions and links. Outside production it is made once and kept in var."
)
if not SECRET_KEY and not PRODUCTION:
    SECRET_KEY = kept_secret(VAR_DIR / "secret_key")

MASTER_KEYS = listed(
    secret(
        "ASSAY_MASTER_KEYS",
        about="Keys that seal personal data: `id:base64` of 32 bytes each, the current one first. "
        "Outside production one is made and kept in var.",
    )
)
MASTER_KEYS_FILE = None if PRODUCTION or MASTER_KEYS else VAR_DIR / "master_keys"
AUDIT_KEY = secret(
    "ASSAY_AUDIT_KEY",
    about="Signs the checkpoints of the audit log: `name:base64` of 32 bytes; the name is the log's and stays. "
    "Outside production one is made and kept in var.",
)
AUDIT_KEY_FILE = None if PRODUCTION or AUDIT_KEY else VAR_DIR / "audit_key"
AUDIT_TRUSTED_KEYS = names(
    "ASSAY_AUDIT_TRUSTED_KEYS",
    about="Public keys whose checkpoints count besides the current one's: those that signed before.",
)
REGION = text(
    "ASSAY_REGION", default="default", about="Where new personal data is kept; what is sealed is bound to it."
)

# --- The web ---

DEBUG = flag("ASSAY_DEBUG", default=False, about="Django's debug pages. Never in production.")
ALLOWED_HOSTS = names(
    "ASSAY_HOSTS",
    default="" if PRODUCTION else "localhost,127.0.0.1,[::1]",
    about="Host names that the server answers to. Required in production.",
)
BASE_URL = text(
    "ASSAY_BASE_URL",
    default="" if PRODUCTION else "http://localhost:8000",
    about="Where people reach Assay, as `https://host`; links in mails begin with it, and security keys are bound to "
    "it. Required in production; elsewhere `up` takes this machine's name and its port.",
).rstrip("/")
CSRF_FAILURE_VIEW = "kernel.pages.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS = names(
    "ASSAY_ORIGINS", about="Origins besides `ASSAY_BASE_URL` whose forms are trusted, as `https://host`."
)
ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"
APPEND_SLASH = False

BEHIND_PROXY = flag(
    "ASSAY_BEHIND_PROXY", default=False, about="A proxy in front ends TLS and sets X-Forwarded-Proto itself."
)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = ("__Host-session", "__Host-csrf") if PRODUCTION else ("session", "csrf")
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE, CSRF_COOKIE_SAMESITE = "Lax", "Strict"
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # load balancers on the same network ask without TLS
SESSION_ENGINE = "kernel.console.session_store"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True  # our own limits, 15 idle minutes and 8 hours, hold in any case
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
LOGIN_URL, LOGIN_REDIRECT_URL = "sign_in", "/admin/"
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # preloading binds a whole domain for good; that is its owner's to say
SECURE_REFERRER_POLICY, X_FRAME_OPTIONS = "same-origin", "DENY"

INSTALLED_APPS = [
    "kernel.console.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "kernel.allauth_apps.AccountTables",
    "allauth.mfa",
    "rest_framework",
    "guardian",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "kernel",
    "billing",
    "workforce",
    "qualification",
    "marketplace",
]

MIDDLEWARE = [
    "kernel.page_policy.page_policy",
    "django.middleware.security.SecurityMiddleware",
    "kernel.page_policy.known_methods_only",
    "kernel.body_length.known_length",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "kernel.console.middleware.SessionAuthentication",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- What clients give us to show ---

CONTENT_ORIGIN = text(
    "ASSAY_CONTENT_ORIGIN",
    default="" if PRODUCTION else "http://127.0.0.1:8001",
    about="The origin that media are served from, as `https://host`: another host than `ASSAY_HOSTS`. Required in "
    "production; elsewhere `up` takes a port beside the web server's.",
).rstrip("/")
MEDIA_DIR = text("ASSAY_MEDIA", about="The folder that media are kept in, shared by all servers. Unset: in var.")
MEDIA_ALLOWANCE_BYTES = (1024**2) * number(
    "ASSAY_MEDIA_ALLOWANCE_MB", default=10_240, about="How much room one client's media may take, in MiB."
)
MEDIA_SCANNER = text(
    "ASSAY_MEDIA_SCANNER",
    about="A program that reads a file from standard input and ends with 0 for harmless and 1 for harmful, such as "
    "`clamdscan --no-summary -`. Unset: files are not scanned.",
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # nothing is kept here
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "media": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": MEDIA_DIR or VAR_DIR / "media",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
}

STATIC_URL = "/static/"
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_USE_FINDERS = True  # static files are served from where they are installed; there is no collecting step

# --- The database ---

DATABASE_URL = secret("DATABASE_URL", about="`postgresql://user:password@host:5432/name`. Unset: embedded.")
DATABASE: dict[str, Any] = (
    database_from_url(DATABASE_URL)
    if DATABASE_URL
    else {
        "ENGINE": "kernel.embedded.engine",
        "NAME": "assay",
        "OPTIONS": {
            "embedded": {
                "folder": str(VAR_DIR / "postgres"),
                "log": str(LOG_DIR / "postgres.log"),
                "durable": ENVIRONMENT != "test",
            }
        },
    }
)
DATABASE["OPTIONS"]["pool"] = {
    "min_size": number("ASSAY_DATABASE_POOL_MIN", default=1, about="Connections that each process keeps open."),
    "max_size": number("ASSAY_DATABASE_POOL_MAX", default=10, at_least=1, about="The most it opens, one a thread."),
    "timeout": number("ASSAY_DATABASE_POOL_WAIT", default=10, at_least=1, about="Seconds to wait for a free one."),
}
DATABASE["OPTIONS"]["prepare_threshold"] = 5  # of statements through `kernel.rows.planned_cursor`, and no others
DATABASES = {"default": {**DATABASE, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People ---

AUTH_USER_MODEL = "kernel.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

MFA_ADAPTER = "kernel.allauth_gateway.Adapter"
MFA_TOTP_ISSUER = "Assay"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_RECOVERY_CODE_DIGITS = 10

LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "kernel.console.formats"
TIME_ZONE = "UTC"
USE_TZ = True

# --- Mail ---

EMAIL_URL = secret(
    "ASSAY_EMAIL_URL",
    about="`smtp://user:password@host:587` (with TLS) or `smtps://…`. Unset: mails are files in var/mail. Required in "
    "production.",
)
for _name, _value in mail_settings(EMAIL_URL, folder=VAR_DIR / "mail").items():
    globals()[_name] = _value
DEFAULT_FROM_EMAIL = text("ASSAY_EMAIL_FROM", default="Assay <assay@localhost>", about="Whom mails come from.")

# --- The API ---

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["kernel.api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["kernel.api.permissions.ByPolicy"],
    "DEFAULT_THROTTLE_CLASSES": ["kernel.api.throttles.SenderThrottle"],
    "DEFAULT_PARSER_CLASSES": ["kernel.api.input.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "kernel.api.errors.answer_to",
    "URL_FORMAT_OVERRIDE": None,
    "NUM_PROXIES": number(
        "ASSAY_PROXIES",
        default=1 if BEHIND_PROXY else 0,
        about="Proxies in front that add to X-Forwarded-For, for the address that throttles count by; "
        "1 with `ASSAY_BEHIND_PROXY`.",
    ),
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Assay",
    "VERSION": "1",
    "DESCRIPTION": (BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8"),
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["kernel.api.permissions.ByPolicy"],
    "REDOC_DIST": "SIDECAR",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # Enumerations stay where they are used.
    "POSTPROCESSING_HOOKS": ["kernel.api.published.what_is_held", "marketplace.api.groups.in_order"],
}
REQUESTS_A_MINUTE: dict[str, int] = {
    "read": number("ASSAY_READS_A_MINUTE", default=6000, at_least=1, about="Reads that one user may make in a minute."),
    "write": number(
        "ASSAY_WRITES_A_MINUTE", default=6000, at_least=1, about="Writes that one user may make in a minute."
    ),
    "stranger": number(
        "ASSAY_STRANGER_REQUESTS_A_MINUTE", default=600, at_least=1, about="Requests without sign-in from one address."
    ),
    "sign_in_address": number(
        "ASSAY_SIGN_INS_A_MINUTE", default=300, at_least=1, about="Sign-ins and sign-ups from one address in a minute."
    ),
    "sign_in_account": number(
        "ASSAY_SIGN_INS_OF_ACCOUNT_A_MINUTE", default=10, at_least=1, about="Sign-ins to one account in a minute."
    ),
}

# --- Stripe ---

STRIPE_API_KEY = secret("STRIPE_API_KEY", about="Stripe's secret key. Required in production.")
STRIPE_WEBHOOK_SECRET = secret("STRIPE_WEBHOOK_SECRET", about="Signs Stripe's webhooks. Required in production.")
CREDIT_CAP_MINOR = number(
    "ASSAY_CREDIT_CAP_MINOR", default=500_000, about="The most that clients are advanced each, in cents."
)
STRIPE_API_BASE = text(
    "STRIPE_API_BASE",
    about="Address of our own Stripe double, on this machine. Refused with a live key and in production.",
)

# --- The way out ---

EGRESS_ALLOW = origins(
    "ASSAY_EGRESS_ALLOW",
    about="Origins that are asked although they are not public, as `https://files.internal`. Unset: none.",
)

# --- Background work ---

BROKER_URL = secret("BROKER_URL", about="`redis://host:6379/0` or `amqp://…`. Unset: embedded.")
BROKER_URL = BROKER_URL or EmbeddedBroker(folder=VAR_DIR / "broker", log=LOG_DIR / "broker.log").url()

CACHES = {"default": cache_beside(BROKER_URL)}

CELERY_BROKER_URL = BROKER_URL
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 120, "socket_connect_timeout": 2}
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "assay"
CELERY_TASK_PUBLISH_RETRY = False  # a wake-up that cannot be sent now is not worth a request's time
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

# What beat wakes up stands in marketplace/beat.py.
# In a queue of their own: behind a few hundred reactions each would be too old when its turn came, and nobody be paid.
CELERY_BEAT_SCHEDULE = {
    name: {"task": task, "schedule": seconds, "options": {"expires": seconds, "queue": "sweeps"}}
    for name, (task, seconds) in BEAT.items()
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat")

# --- Processes that `up` runs ---

WEB_WORKERS = number("ASSAY_WEB_WORKERS", default=2, at_least=1, about="Web server processes.")
WEB_THREADS = number("ASSAY_WEB_THREADS", default=8, at_least=1, about="Threads in each web server process.")
CELERY_WORKERS = number("ASSAY_CELERY_WORKERS", default=2, at_least=1, about="Processes for background work.")

EXPOSED = flag(
    "ASSAY_EXPOSED",
    default=False,
    about="Lets `up` listen beyond this machine although the installation is not for production.",
)

# --- Logs ---

LOG_LEVEL = text("ASSAY_LOG_LEVEL", default="INFO", about="The least level that is logged.").upper()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "kernel.logs.JsonLines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.request": {"level": "ERROR"},  # a 4xx is an answer, not an incident
        "django.security": {"level": "CRITICAL"},  # it would lay down a traceback for whoever sends a false Host
        "django.security.csrf": {"level": "WARNING"},
        "fontTools": {"level": "WARNING"},  # it tells each table of a font that it leaves out of a PDF
    },
}

refuse_unsafe_settings(
    production=PRODUCTION,
    secrets=SECRETS,
    doors=Doors(
        debug=DEBUG, hosts=ALLOWED_HOSTS, origins=CSRF_TRUSTED_ORIGINS, base_url=BASE_URL, content_origin=CONTENT_ORIGIN
    ),
    stripe_api_base=STRIPE_API_BASE,
    project=BASE_DIR,
    apart=VAR_DIR,
)
CSRF_TRUSTED_ORIGINS = [BASE_URL, *CSRF_TRUSTED_ORIGINS]
