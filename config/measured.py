"""Where figures of a process are served, if anywhere."""

from config.environment import at_least, env

#: Off: no port is opened, no file is written, and nothing is measured.
METRICS_PORT = int(at_least(0, "METRICS_PORT", 0))
METRICS_HOST: str = env.str("METRICS_HOST", "127.0.0.1")
