"""What Celery runs for accounts."""

from celery import shared_task

from accounts import signing_in
from accounts.idempotency import BATCH, forget_expired

#: Batches of one run, so that it ends; the next run goes on.
BATCHES = 50


@shared_task(name="accounts.forget_expired_answers")
def forget_expired_answers() -> None:
    """Delete kept answers whose day is over."""
    for _ in range(BATCHES):
        if forget_expired() < BATCH:
            return


@shared_task(name="accounts.forget_sign_ins")
def forget_sign_ins() -> None:
    """Delete sessions that have ended, and old notes of who signed in."""
    for _ in range(BATCHES):
        if not signing_in.forget():
            return
