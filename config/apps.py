"""Makes Celery's application the one that tasks belong to, wherever Django is set up; and adds our checks."""

from django.apps import AppConfig
from django.core.checks import register

from config.celery import app as celery_app
from config.checks import doubtful_settings


class Config(AppConfig):
    """This room as Django knows it."""

    name = "config"
    #: Kept, since whoever publishes a task asks for the current application.
    celery = celery_app

    def ready(self) -> None:
        register(doubtful_settings)
