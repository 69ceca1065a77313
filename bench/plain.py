"""The plain way, as a comparison: for each delivery a row, a Celery task, and one `requests.post`.

What anybody writes first with Django, Celery and requests: the task asks the ORM for the row, signs, posts
without a session, and saves. A failure is retried by Celery.
"""

import hmac
import os
import time

import django
import requests
from celery import Celery, Task

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.settings")
django.setup()

from bench.bodies import SECRET  # noqa: E402 - Django first
from bench.models import PlainDelivery  # noqa: E402

app = Celery("plain", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=4, task_default_queue="plain"
)


@app.task(bind=True, max_retries=8)
def deliver(self: Task[[int], None], delivery_id: int) -> None:
    """Send one delivery."""
    delivery = PlainDelivery.objects.get(pk=delivery_id)
    body, timestamp = bytes(delivery.body), str(int(time.time()))
    signed = hmac.digest(SECRET.encode(), f"{delivery_id}.{timestamp}.".encode() + body, "sha256").hex()
    headers = {"content-type": "application/json", "webhook-id": str(delivery_id), "x-signature": signed}
    delivery.attempts += 1
    try:
        answer = requests.post(delivery.url, data=body, headers=headers, timeout=10)
        answer.raise_for_status()
    except requests.RequestException as error:
        delivery.state = "failed"
        delivery.save()
        raise self.retry(exc=error, countdown=2**delivery.attempts) from error
    delivery.state, delivery.status_code = "delivered", answer.status_code
    delivery.save()
