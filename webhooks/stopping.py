"""The word to stop, shared by a worker's parent and children.

Free of Django, so that the parent can make it before it forks: config.celery sets it when the worker is told
to shut down, and the pump reads it between claims.
"""

from multiprocessing import get_context

#: Set once, never cleared: a worker that is shutting down does not come back.
stop = get_context("fork").Event()
