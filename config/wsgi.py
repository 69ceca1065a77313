"""The WSGI entry point that granian serves."""

import multiprocessing
import os
import signal

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import resolve

from config import draining, faults, measuring
from config.collecting import look_seldom
from config.launcher import die_with_parent
from config.logs import catching

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if os.environ.get("PARCELWIRE_SUPERVISED"):
    die_with_parent(signal.SIGKILL)  # granian's worker process; its parent may be killed without a word
application = draining.saying_so(get_wsgi_application())
catching.start(settings.LOGGING)  # instead of granian's own, which does not know a key when it sees one
faults.log_doubts()
resolve("/healthz")  # loads every view: half a second, which the first call is not to wait
measuring.begin()
look_seldom()
if multiprocessing.parent_process():
    draining.prepare(settings.DRAIN_SECONDS)  # a process of the web, which its parent tells to end
