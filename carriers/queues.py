"""What is owed to carriers and of their accounts, and since when the first of it could be done."""

from datetime import timedelta

from django.db.models import Min, Q
from django.db.models.functions import Now

from accounts.queues import Queue
from carriers.models import AccountNews, CarrierAccount, Closing


def queues() -> list[Queue]:
    """Closings and account news: two statements. What waits for an account to be taken up is not due."""
    usable = Q(account__resting_until=None) | Q(account__resting_until__lte=Now())
    free = Q(claimed_until=None) | Q(claimed_until__lte=Now())
    closings = Closing.objects.filter(
        usable, free, next_attempt_at__lte=Now(), account__state=CarrierAccount.State.ACTIVE
    )
    news = AccountNews.objects.aggregate(since=Min("happened_at"))["since"]
    return [
        Queue(
            name="closings",
            due_since=closings.aggregate(since=Min("next_attempt_at"))["since"],
            patience=timedelta(minutes=10),
            page="carriers_closing_changelist",
        ),
        Queue(
            name="account news",
            due_since=news,
            patience=timedelta(minutes=1),
            page="carriers_accountnews_changelist",
        ),
    ]
