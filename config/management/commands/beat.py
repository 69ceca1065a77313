"""`manage.py beat`: nudges workers to look for what is due, every few seconds."""

from django.conf import settings
from django.core.management.base import BaseCommand

from config import programs
from config.celery import send_on_schedule


class Command(BaseCommand):
    help = "Send what is periodic, on its schedule, until SIGTERM or Ctrl-C. One is enough."
    requires_system_checks = ()

    def handle(self, *args: object, **options: object) -> None:
        schedule = settings.PARCELWIRE_DATA / programs.BEAT_SCHEDULE
        schedule.parent.mkdir(parents=True, exist_ok=True)
        send_on_schedule(schedule)
