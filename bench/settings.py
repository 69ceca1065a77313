"""The project's settings; beside its own, the bench's route and its command."""

from config import settings
from config.settings import *  # noqa: F403 (all of them)

INSTALLED_APPS = [*settings.INSTALLED_APPS, "bench"]
ROOT_URLCONF = "bench.urls"
