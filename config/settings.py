"""Settings, from the environment only, in reading order. docs/settings.md explains each variable."""

import sys
from datetime import timedelta
from typing import Any

import django_stubs_ext
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from config import content_policy, cross_origin, database, embedded, look
from config.environment import at_least, between, env, header_name, mail_server, networks, origin
from config.keys import development_secrets
from config.logs import configuring

django_stubs_ext.monkeypatch()

VERSION = "0.1.0"

# Where and how it runs
PARCELWIRE_ENV: str = env.str("PARCELWIRE_ENV", "development")
if PARCELWIRE_ENV not in {"development", "production"}:
    raise ImproperlyConfigured(f"PARCELWIRE_ENV is {PARCELWIRE_ENV!r}; expected development or production")
PRODUCTION = PARCELWIRE_ENV == "production"
PARCELWIRE_DATA = embedded.data_folder()
DEBUG: bool = env.bool("DEBUG", False)


def _required(name: str) -> str:
    """The variable's value. Outside production a missing secret is made once, in the data folder."""
    value: str = env.str(name, "")
    if value:
        return value
    if PRODUCTION:
        raise ImproperlyConfigured(f"{name} is not set; production starts with secrets of its own only")
    return development_secrets(PARCELWIRE_DATA)[name]


# Secrets
SECRET_KEY = _required("SECRET_KEY")
if PRODUCTION and len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY is shorter than 50 characters; give it at least 50 random ones")
#: Fernet keys, newest first: the first encrypts, all decrypt.
FIELD_ENCRYPTION_KEYS = [key.strip() for key in _required("FIELD_ENCRYPTION_KEYS").split(",")]
for _key in FIELD_ENCRYPTION_KEYS:
    try:
        Fernet(_key)
    except ValueError as error:
        raise ImproperlyConfigured("FIELD_ENCRYPTION_KEYS holds what is not a Fernet key") from error

# Who may call
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["*"])
if PRODUCTION and (not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS or DEBUG):
    raise ImproperlyConfigured("production needs ALLOWED_HOSTS without a wildcard, and DEBUG off")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# A browser takes a cookie of such a name over HTTPS and from this host alone.
_HOST = "__Host-" if PRODUCTION else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_HOST}session", f"{_HOST}csrf"
#: Seconds after which staff must sign in again, at the latest: the session also ends with the browser.
SESSION_COOKIE_AGE = int(at_least(60, "STAFF_SESSION_AGE", 8 * 3600))
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# Guessing: a name is shut for an address after so many wrong passwords, for so long.
AXES_FAILURE_LIMIT = int(at_least(1, "SIGN_IN_FAILURES", 5))
AXES_COOLOFF_TIME = timedelta(seconds=at_least(1, "SIGN_IN_COOL_OFF", 900))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_TEMPLATE = "config/locked_out.html"
AXES_CLIENT_IP_CALLABLE = "accounts.clients.noted_address"
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # accounts.access has their pages
#: A call over plain HTTP has carried its key in clear already: it fails, and is never redirected.
HTTPS_ONLY = PRODUCTION
#: The header in which a proxy says which scheme it was called with; unset, the connection's own counts.
PROXY_SCHEME_HEADER: str = header_name("PROXY_SCHEME_HEADER")
if PROXY_SCHEME_HEADER:
    SECURE_PROXY_SSL_HEADER = (f"HTTP_{PROXY_SCHEME_HEADER.upper().replace('-', '_')}", "https")
#: The header in which that proxy says who called it; its last address counts.
PROXY_ADDRESS_HEADER: str = header_name("PROXY_ADDRESS_HEADER")
#: Where shoppers reach their pages: scheme and host. Empty: where the API was called.
PUBLIC_URL: str = origin("PUBLIC_URL")
#: Origins whose pages may call the API from a browser: none by default.
CORS_ALLOWED_ORIGINS = cross_origin.origins(env.list("CORS_ALLOWED_ORIGINS", default=cross_origin.NOBODY))
CORS_URLS_REGEX, CORS_ALLOW_HEADERS = cross_origin.URLS, cross_origin.SENT
CORS_EXPOSE_HEADERS = cross_origin.READ
CORS_PREFLIGHT_MAX_AGE = 600

# Servers: both unset means the embedded stack
DATABASE_URL: str = env.str("DATABASE_URL", "") or embedded.database_url(PARCELWIRE_DATA)
REDIS_URL: str = env.str("REDIS_URL", "") or embedded.redis_url(PARCELWIRE_DATA)
if PRODUCTION and not (env.str("DATABASE_URL", "") and env.str("REDIS_URL", "")):
    raise ImproperlyConfigured("production needs DATABASE_URL and REDIS_URL: embedded servers are for trying")
MIGRATING = sys.argv[1:2] == ["migrate"]
if MIGRATING:
    DATABASE_URL = env.str("MIGRATION_DATABASE_URL", DATABASE_URL)
DATABASES = {"default": database.postgresql(DATABASE_URL, migrating=MIGRATING)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Applications
INSTALLED_APPS = [
    "config",  # first: its templates and static files come before unfold's
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "axes",
    "csp",
    "pgtrigger",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts",
    "events",
    "carriers",
    "webhooks",
    "trackers",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.request_id",
    "config.middleware.no_length_of_nothing",
    "csp.middleware.CSPMiddleware",
    "config.middleware.https_only",  # before CORS: a refused preflight keeps the browser from sending the key
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS else []),
    "config.middleware.body_limit",
    "config.middleware.FormsOfStrangers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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
STATIC_URL = "static/"
STATIC_ROOT = PARCELWIRE_DATA / "static"
WHITENOISE_USE_FINDERS = not PRODUCTION
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "config.formats"

# The pages for staff
UNFOLD = look.UNFOLD
CONTENT_SECURITY_POLICY = content_policy.CONTENT_SECURITY_POLICY

# The API
#: Bytes of a JSON body that are taken; a longer one is read and thrown away up to the second figure.
BODY_LIMIT = 1024 * 1024
BODY_DRAIN_LIMIT = 8 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_LIMIT
APPEND_SLASH = False
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["accounts.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "accounts.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "config.openapi.Described",
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
}
#: Calls a second for each key and route: default (100), ship24 (that service's figures), or off. A merchant
#: may have its own.
API_RATE_LIMIT: str = env.str("API_RATE_LIMIT", "default")
if API_RATE_LIMIT not in {"default", "ship24", "off"}:
    raise ImproperlyConfigured(f"API_RATE_LIMIT is {API_RATE_LIMIT!r}; expected default, ship24 or off")
#: Calls a minute from one address to the pages for shoppers; 0: any number.
TRACKING_PAGE_RATE_LIMIT = int(at_least(0, "TRACKING_PAGE_RATE_LIMIT", 120))
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Parcelwire",
    "VERSION": VERSION,
    "DESCRIPTION": (
        "Parcel tracking in the shapes of Ship24's tracking API v1, and what Parcelwire adds: the log by "
        "cursor, and signed webhooks. Every route under `/v1` is answered under `/public/v1` in the same way."
    ),
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "SERVERS": [{"url": "/"}],
    "PREPROCESSING_HOOKS": ["config.openapi.shown"],
    "POSTPROCESSING_HOOKS": ["config.openapi.completed"],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENABLE_DJANGO_DEPLOY_CHECK": False,  # a test looks at every warning
}
#: Seconds between two polls of one tracker that its merchant asks for.
POLL_NOW_MIN_INTERVAL = at_least(0, "POLL_NOW_MIN_INTERVAL", 60)
#: Look-ups of one key in a day of Asia/Ho_Chi_Minh that the 247Express dialect answers, as that carrier does.
EXPRESS247_DAILY_LOOKUPS = int(at_least(0, "EXPRESS247_DAILY_LOOKUPS", 200_000))
#: Threads of the web that answer requests; a quarter of them may wait for carriers at once.
WEB_THREADS = int(at_least(1, "WEB_THREADS", 8))
#: Seconds that `track` and the search per call wait for carriers.
TRACK_WAIT = between(0.1, 60, "TRACK_WAIT", 20)

# Polling
#: Seconds a claimed watch belongs to its worker; renewed every third of it while the call is under way.
POLL_LEASE = at_least(1, "POLL_LEASE", 60)
#: Calls under way at once per carrier account.
POLL_IN_FLIGHT_PER_ACCOUNT = int(at_least(1, "POLL_IN_FLIGHT_PER_ACCOUNT", 10))
#: Seconds until a carrier must have answered whole, and bytes of an answer that are taken.
CARRIER_DEADLINE = at_least(0.1, "CARRIER_DEADLINE", 20)
CARRIER_BODY_LIMIT = int(at_least(1024, "CARRIER_BODY_LIMIT", 5 * 1024 * 1024))
#: Days that what a carrier said of a number is kept, to the letter.
RAW_ANSWERS_KEPT_DAYS = at_least(1, "RAW_ANSWERS_KEPT_DAYS", 90)
#: CIDRs of private networks that carrier base URLs may point into, plain HTTP included.
CARRIER_ALLOWED_NETWORKS = networks("CARRIER_ALLOWED_NETWORKS")

# Webhooks
#: Seconds a claimed delivery belongs to its worker; renewed every third of it while it is being sent.
DELIVERY_LEASE = at_least(1, "DELIVERY_LEASE", 30)
#: Seconds until a subscriber must have answered, from the start of the try; to connect; to resolve its name.
DELIVERY_DEADLINE = at_least(0.1, "DELIVERY_DEADLINE", 15)
DELIVERY_CONNECT_DEADLINE = at_least(0.1, "DELIVERY_CONNECT_DEADLINE", 5)
DELIVERY_DNS_DEADLINE = at_least(0.1, "DELIVERY_DNS_DEADLINE", 3)
#: Days that a delivery which has ended is kept with its tries, after its making and its last try.
DELIVERIES_KEPT_DAYS = at_least(1, "DELIVERIES_KEPT_DAYS", 30)
#: CIDRs of private networks that endpoints may point into, plain HTTP included.
WEBHOOK_ALLOWED_NETWORKS = networks("WEBHOOK_ALLOWED_NETWORKS")
#: What `manage.py listen` verifies with where it is given no --secret.
PARCELWIRE_LISTEN_SECRET = [key for key in env.str("PARCELWIRE_LISTEN_SECRET", "").split(",") if key]

# E-mail: to merchants whose endpoint was disabled; empty: none is sent
EMAIL_URL: str = env.str("EMAIL_URL", "")
EMAIL_FROM: str = env.str("EMAIL_FROM", "")
#: Seconds that the mail server may take for one answer.
EMAIL_TIMEOUT = 10
globals().update(mail_server(EMAIL_URL, EMAIL_FROM))

# Celery: rows with due times are the truth, a message is only a nudge
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
# Acknowledged late, a task waits for whoever is free; lost with its process it costs a sweep. Given out anew
# it could kill one process after the other, without end.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_DEFAULT_QUEUE = "parcelwire"
CELERY_TASK_QUEUES = {
    name: {"exchange": name, "routing_key": name}
    for name in (CELERY_TASK_DEFAULT_QUEUE, "deliveries", "late")
}
CELERY_TASK_ROUTES = {"webhooks.pump": {"queue": "deliveries"}, "webhooks.pump_late": {"queue": "late"}}
CELERY_TASK_CREATE_MISSING_QUEUES = False  # a worker for a queue that is misspelt would hear nothing
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ETA_TASK_LIMIT = 100
CELERY_WORKER_MAX_TASKS_PER_CHILD = 10_000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A pump goes on without the broker; cancelled, it would cut off every try under way.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_POOL_ACQUIRE_TIMEOUT = 2.0
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_timeout": 30,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
}
CELERY_VISIBILITY_TIMEOUT = 600
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"
#: Seconds between two sweeps that a worker process makes by itself, whatever beat and broker do.
SWEEP_INTERVAL = at_least(0.1, "SWEEP_INTERVAL", 5)

# Logs
LOGGING = configuring.configuration(production=PRODUCTION)
