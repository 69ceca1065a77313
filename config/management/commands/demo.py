"""`manage.py demo`: does the main job on a stack of its own, and fails if anything it claims is not so."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from config import embedded
from config.demo.stage import DemoError, Stage
from config.demo.story import play


class Command(BaseCommand):
    help = "Follow parcels of two carriers from poll to signed webhook, show it, and prove it."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(highlight=False)
        try:
            with Stage(
                embedded.data_folder() / "demo", lambda line: console.print(line, style="dim")
            ) as stage:
                play(stage, console)
        except DemoError as error:
            raise CommandError(str(error)) from None
