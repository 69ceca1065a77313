#!/usr/bin/env python
"""Django's command line, with the embedded servers found or started where none are configured."""

import os
import sys

from django.core.management import execute_from_command_line

from config.embedded import servers_for_command


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with servers_for_command(sys.argv):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
