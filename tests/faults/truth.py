"""What must be so after any fault, once all has calmed down: told from the rows and the subscriber alone."""

from collections import Counter
from collections.abc import Sequence

from tests.faults.witness import Post, Witness, digest
from tests.waiting import eventually
from webhooks.models import Attempt, Delivery, ExtraTry, Message

ABANDONED = "abandoned"


def drained(within: float = 180.0) -> None:
    """Wait until nothing is owed any more."""
    eventually(lambda: not Delivery.objects.filter(state="pending").exists(), within=within)


def claimed() -> int:
    return Delivery.objects.exclude(claim_id=None).count()


def sends(posts: Sequence[Post]) -> Counter[str]:
    """How often each message arrived."""
    return Counter(post.id for post in posts)


def tries(message_id: str) -> list[str]:
    """How the tries of its one delivery ended, in order: "" is success."""
    found = Attempt.objects.filter(delivery__message_id=message_id).order_by("number")
    return list(found.values_list("error", flat=True))


def check(seen: Witness, *paths: str) -> None:
    """Nothing was lost, changed or left claimed, and the record says what the subscriber saw.

    For subscribers that only answer 200: each message arrived, with the bytes that were stored; each try
    that is on record as anything but abandoned arrived once, and an abandoned one once at most.
    """
    posts = [post for path in paths or ("/hook",) for post in seen.posts(path)]
    bodies = {str(id_): digest(bytes(body)) for id_, body in Message.objects.values_list("id", "body")}
    assert {post.id for post in posts} == set(bodies)
    assert all(post.digest == bodies[post.id] for post in posts)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    assert claimed() == 0
    assert not ExtraTry.objects.exists()
    _check_record(sends(posts))


def _check_record(arrived: Counter[str]) -> None:
    """Of messages with one delivery each."""
    rows = Attempt.objects.order_by("delivery_id", "number")
    recorded: dict[str, list[str]] = {}
    numbers: dict[str, list[int]] = {}
    for id_, number, error in rows.values_list("delivery__message_id", "number", "error"):
        recorded.setdefault(str(id_), []).append(error)
        numbers.setdefault(str(id_), []).append(number)
    assert recorded.keys() == arrived.keys()
    for id_, errors in recorded.items():
        assert numbers[id_] == list(range(1, len(errors) + 1)), (id_, errors, numbers[id_])
        assert errors[-1] == "", (id_, errors)
        assert len(errors) - errors.count(ABANDONED) <= arrived[id_] <= len(errors), (id_, errors)
