"""The project as an application of Django's."""

from django.apps import AppConfig
from django.core.checks import register

from config.checks import doubtful_settings


class ProjectConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        register(doubtful_settings)
