"""Where and how it runs."""

from config import embedded, sections

PARCELWIRE_ENV = sections.running.choice(
    "PARCELWIRE_ENV",
    "development",
    ["development", "production"],
    means="`development`, or `production`, which refuses to start on a missing or weak secret, without "
    "`ALLOWED_HOSTS`, without both servers, or with `DEBUG`",
)
PRODUCTION = PARCELWIRE_ENV == "production"

sections.running.declare(
    "PARCELWIRE_DATA",
    shown="`var` beside `manage.py`",
    means="folder of the embedded servers, their logs, the secrets made for development, and collected "
    "static files",
)
PARCELWIRE_DATA = embedded.data_folder()

DEBUG = sections.running.switch("DEBUG", default=False, means="Django's debug pages; refused in production")

WEB_THREADS = sections.running.whole(
    "WEB_THREADS",
    8,
    least=1,
    means="threads of one web process that answer requests; a quarter of them, at least one, may wait for "
    "carriers at once, and as many for forms of the admin to arrive",
)

WEB_PROCESSES = sections.running.whole(
    "WEB_PROCESSES", 1, least=1, means="processes of `manage.py web`, each with `WEB_THREADS` threads"
)

#: So that whoever stands before it notices.
DRAIN_SECONDS = sections.running.number(
    "DRAIN_SECONDS",
    5,
    least=0,
    most=20,
    means="seconds, 0 to 20, that the web [goes on serving after "
    "SIGTERM](operations.md#ending-and-replacing-processes), so that a proxy notices; `manage.py up` waits "
    "for none",
)

#: Whatever beat and broker do.
SWEEP_INTERVAL = sections.running.number(
    "SWEEP_INTERVAL",
    5,
    least=0.1,
    means="seconds between two sweeps that a worker process makes by itself for due work of its queues, "
    "whatever beat and broker do",
)

WORKER_TASKS = sections.running.whole(
    "WORKER_TASKS",
    10_000,
    least=1,
    means="tasks after which a worker replaces one of its processes by a new one, so that what a library "
    "leaks has an end",
)

LOG_LEVEL = sections.logs.choice(
    "LOG_LEVEL",
    "INFO",
    ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
    means="level of the log, which goes to standard error; `DEBUG` opens Parcelwire's own lines alone, since "
    "what others tell there holds SQL and addresses",
)
LOG_FORMAT = sections.logs.choice(
    "LOG_FORMAT",
    "json" if PRODUCTION else "console",
    ["json", "console"],
    shown="`json` in production, else `console`",
    means="[a JSON object a line](logs.md), or lines for reading",
)
