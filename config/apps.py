"""Makes Celery's application the one that tasks belong to, wherever Django is set up."""

from django.apps import AppConfig

from config.celery import app as celery_app


class Config(AppConfig):
    """This room as Django knows it."""

    name = "config"
    #: Kept, since whoever publishes a task asks for the current application.
    celery = celery_app
