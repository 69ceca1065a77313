"""How the project is put together: settings, URLs, Celery, and the stack that runs it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
