"""The WSGI entry point that granian serves."""

import gc
import os
import signal

from django.core.wsgi import get_wsgi_application
from django.urls import resolve

from config.launcher import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if os.environ.get("PARCELWIRE_SUPERVISED"):
    die_with_parent(signal.SIGKILL)  # granian's worker process; its parent may be killed without a word
application = get_wsgi_application()
resolve("/healthz")  # loads every view: half a second, which the first call is not to wait
# What is loaded by now stays. An answer makes hundreds of objects and no circles: to look for those after
# every 700 objects, as Python does, took a twentieth of the time of a read (bench/RESULTS.md).
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 10, 10)
