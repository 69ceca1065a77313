"""`manage.py settings_page`: write the tables of docs/settings.md anew."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.settings_page import PAGE, renewed


class Command(BaseCommand):
    help = "Write the tables of docs/settings.md from the declarations of the settings."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="only say whether they are as they should be"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        page = PAGE.read_text()
        right = renewed(page)
        if page == right:
            self.stdout.write("docs/settings.md is as the settings are declared")
        elif options["check"]:
            raise CommandError("docs/settings.md is not as the settings are declared: run `make settings`")
        else:
            PAGE.write_text(right)
            self.stdout.write("docs/settings.md is written anew")
