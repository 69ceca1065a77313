"""Settings, from the environment only, in reading order; each variable is declared in config.variables.

docs/settings.md is made of the declarations: `manage.py settings_page`.
"""

import os
from datetime import timedelta
from typing import Any

import django_stubs_ext

from config import content_policy, contradictions, cross_origin, faults, look, misspelling, sections
from config.logs.configuring import configuration
from config.variables.api import *  # noqa: F403 (all of them)
from config.variables.callers import *  # noqa: F403
from config.variables.callers import (
    CORS_ALLOWED_ORIGINS,
    HSTS_PRELOAD,
    HSTS_SECONDS,
    HSTS_SUBDOMAINS,
    PROXY_SCHEME_HEADER,
    SIGN_IN_COOL_OFF,
    SIGN_IN_FAILURES,
    STAFF_SESSION_AGE,
)
from config.variables.keys import *  # noqa: F403
from config.variables.mail import *  # noqa: F403
from config.variables.mail import MAIL_SERVER
from config.variables.metrics import *  # noqa: F403
from config.variables.metrics import METRICS_PORT
from config.variables.polling import *  # noqa: F403
from config.variables.running import *  # noqa: F403
from config.variables.running import LOG_FORMAT, LOG_LEVEL, PARCELWIRE_DATA, PRODUCTION, WORKER_TASKS
from config.variables.servers import *  # noqa: F403
from config.variables.servers import REDIS_URL
from config.variables.webhooks import *  # noqa: F403

contradictions.note(globals())
for _name, _problem in misspelling.strangers(os.environ, sections.names()):
    faults.doubt(_name, _problem)
faults.tell(sections.names())
django_stubs_ext.monkeypatch()

VERSION = "0.1.0"

# Who may call
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# A browser takes a cookie of such a name over HTTPS and from this host alone.
_HOST = "__Host-" if PRODUCTION else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_HOST}session", f"{_HOST}csrf"
SESSION_COOKIE_AGE = STAFF_SESSION_AGE
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# Guessing: a name is shut for an address after so many wrong passwords, for so long.
AXES_FAILURE_LIMIT = SIGN_IN_FAILURES
AXES_COOLOFF_TIME = timedelta(seconds=SIGN_IN_COOL_OFF)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_TEMPLATE = "config/locked_out.html"
AXES_CLIENT_IP_CALLABLE = "accounts.clients.noted_address"
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # accounts.access has their pages
#: A call over plain HTTP has carried its key in clear already: it fails, and is never redirected.
HTTPS_ONLY = PRODUCTION
if PROXY_SCHEME_HEADER:
    SECURE_PROXY_SSL_HEADER = (f"HTTP_{PROXY_SCHEME_HEADER.upper().replace('-', '_')}", "https")
# With HTTPS_ONLY plain HTTP has no pages to lose: the header keeps browsers from asking in clear at all.
SECURE_HSTS_SECONDS = HSTS_SECONDS if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS, SECURE_HSTS_PRELOAD = HSTS_SUBDOMAINS, HSTS_PRELOAD
SILENCED_SYSTEM_CHECKS = [
    "security.W008",  # SECURE_SSL_REDIRECT: see HTTPS_ONLY
    "security.W005",  # HSTS without the hosts below this one: those are not ours to decide about
    "security.W021",  # HSTS without the browsers' list: the same
]
CORS_URLS_REGEX, CORS_ALLOW_HEADERS = cross_origin.URLS, cross_origin.SENT
CORS_EXPOSE_HEADERS = cross_origin.READ
CORS_PREFLIGHT_MAX_AGE = 600

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
    *(["config.timing.timed"] if METRICS_PORT else []),
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
# E-mail: the rest of it comes from EMAIL_URL
#: Seconds that the mail server may take for one answer.
EMAIL_TIMEOUT = 10
globals().update(MAIL_SERVER)

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
CELERY_WORKER_MAX_TASKS_PER_CHILD = WORKER_TASKS
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

# Logs
LOGGING = configuration(LOG_LEVEL, LOG_FORMAT)
