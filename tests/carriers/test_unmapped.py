"""Codes that no map knows are counted."""

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from carriers import unmapped
from carriers.models import UnmappedCode
from carriers.snapshot import Snapshot, Unmapped
from tests.carriers.payloads import Payload

pytestmark = pytest.mark.django_db


def test_every_answer_counts_in_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    snapshots = [Payload("all24", "unmapped_code").parse(), Payload("247express", "unmapped_code").parse()]
    with django_assert_num_queries(1):
        unmapped.count([*snapshots, snapshots[0]])
    unmapped.count(snapshots)
    found = UnmappedCode.objects.order_by("courier").values_list("courier", "code", "text", "count")
    assert list(found) == [("247express", "ON_HOLD", "On hold", 2), ("all24", "250000", "Held at hub", 3)]


def test_the_first_sight_stays_and_the_last_moves() -> None:
    for text in ("first", "second"):
        unmapped.count([Snapshot("all24", scans=(), unmapped=(Unmapped("x", text),))])
        if text == "first":
            UnmappedCode.objects.update(first_seen_at="2020-01-01T00:00Z", last_seen_at="2020-01-01T00:00Z")
    code = UnmappedCode.objects.get()
    assert (code.text, code.first_seen_at.year) == ("first", 2020)
    assert code.last_seen_at.year > 2020


def test_nothing_unmapped_costs_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        unmapped.count([Payload("all24", "delivered").parse()])
