"""How the project is put together: settings, URLs, Celery, and the stack that runs it.

Imports nothing: `config.probe`, which runs every few seconds, must begin in milliseconds.
"""
