"""A merchant is told by e-mail that an endpoint was disabled."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.mail.backends import smtp
from django.db import connection, transaction
from django.db.models.functions import Now

from accounts.models import Merchant
from config.mailboxes import mail_server as mail_settings
from tests import mail_server as mail
from tests.mail_server import MailServer, mail_server
from tests.webhooks.cast import EndpointFactory, ended, owe
from webhooks import notices, tasks
from webhooks.claims import take
from webhooks.mailing import Letter
from webhooks.models import Endpoint, Notice
from webhooks.settling import settle

pytestmark = pytest.mark.django_db

SENDER = "Parcelwire <parcelwire@carrier-news.example>"


@pytest.fixture
def server(settings) -> Iterator[MailServer]:
    with mail_server() as running:
        for name, value in mail_settings(running.url, SENDER).items():
            setattr(settings, name, value)
        settings.EMAIL_BACKEND = f"{smtp.__name__}.EmailBackend"  # tests have another one by themselves
        settings.EMAIL_URL, settings.EMAIL_FROM, settings.EMAIL_TIMEOUT = running.url, SENDER, 60
        yield running


@pytest.fixture
def alice(alice: Merchant) -> Merchant:
    alice.contact_email = "alice@merchant.example"
    alice.save()
    return alice


def disabled(merchant: Merchant, count: int = 1) -> list[Endpoint]:
    """Endpoints of hers that answered 410."""
    made = [
        EndpointFactory(merchant=merchant, url=f"https://shop.example/secret-path?key=1{n}")
        for n in range(count)
    ]
    for endpoint in made:
        owe(endpoint)
    settle((each, ended(each.delivery_id, 410)) for each in take(100))
    return made


def due_again() -> None:
    """Instead of waiting for the pause between two tries."""
    Notice.objects.filter(next_try_at__isnull=False).update(next_try_at=Now())


def test_the_merchant_is_told_which_endpoint_why_since_when_and_what_to_do(
    alice: Merchant, server: MailServer
) -> None:
    (endpoint,) = disabled(alice)
    tasks.send_notices()
    (told,) = server.mails
    assert (told["To"], told["From"]) == ("alice@merchant.example", SENDER)
    assert told["Subject"] == "Webhooks to shop.example are disabled"
    text = told.get_content()
    assert "410 Gone" in text
    assert f"webhookId: {endpoint.id}" in text
    assert f"POST /v1/webhooks/{endpoint.id}/enable" in text
    notice = Notice.objects.get()
    assert f"Disabled at: {notice.created_at:%Y-%m-%dT%H:%M}" in text
    assert notice.sent_at is not None
    assert notice.next_try_at is None
    notices.send(60)
    assert len(server.mails) == 1


def test_of_the_url_the_host_alone_is_told(alice: Merchant, server: MailServer) -> None:
    (endpoint,) = disabled(alice)
    notices.send(60)
    text = server.mails[0].as_string()
    for secret in ("secret-path", "key=1", endpoint.secret):
        assert secret not in text


@pytest.mark.parametrize("reason", ["gone", "failing", "secret_unreadable"])
def test_every_reason_has_words(alice: Merchant, server: MailServer, reason: str) -> None:
    endpoint = EndpointFactory(merchant=alice, state="disabled", disabled_reason=reason)
    notices.owe(alice.id, [(endpoint.id, reason)])
    notices.send(60)
    text = server.mails[0].get_content()
    assert "{" not in text
    assert ("rotate-secret" in text) is (reason == "secret_unreadable")


def test_the_sweep_finds_what_is_due_and_asks_for_no_more(
    alice: Merchant, server: MailServer, monkeypatch
) -> None:
    asked = []
    monkeypatch.setattr(tasks, "publish", asked.append)
    tasks.sweep()
    assert asked == []
    disabled(alice)
    tasks.sweep()
    assert asked == [tasks.send_notices]


def test_several_notices_go_out_in_one_run(alice: Merchant, server: MailServer) -> None:
    disabled(alice, 3)
    notices.send(60)
    assert len(server.mails) == 3
    assert len({told["Message-ID"] for told in server.mails}) == 3


def test_without_an_address_nothing_is_owed(bob: Merchant, server: MailServer) -> None:
    disabled(bob)
    assert not Notice.objects.exists()


def test_without_a_mail_server_nothing_is_owed_and_nothing_asked(alice: Merchant, count_statements) -> None:
    disabled(alice)
    assert not Notice.objects.exists()
    assert count_statements(notices.are_due) == 0


@pytest.mark.parametrize("doing", [mail.hang, mail.refuse, mail.reject])
def test_what_fails_is_tried_again_later(
    alice: Merchant, server: MailServer, settings, doing: mail.Doing
) -> None:
    disabled(alice)
    server.doing = doing
    settings.EMAIL_TIMEOUT = 0.2 if doing is mail.hang else 60
    notices.send(60)
    settings.EMAIL_TIMEOUT = 60
    assert (server.sessions, server.mails) == (1, [])
    notice = Notice.objects.get()
    assert (notice.tries, notice.sent_at, notice.claim_id) == (1, None, None)
    assert not notices.are_due()
    server.doing = mail.take
    due_again()
    notices.send(60)
    assert len(server.mails) == 1


def test_a_server_that_is_not_there_is_tried_again_later(
    alice: Merchant, server: MailServer, settings
) -> None:
    disabled(alice)
    settings.EMAIL_PORT = 1
    notices.send(60)
    assert Notice.objects.get().tries == 1
    assert not notices.are_due()


def test_one_that_fails_ends_the_run_and_the_others_wait_with_it(alice: Merchant, server: MailServer) -> None:
    disabled(alice, 2)
    server.doing = mail.refuse
    notices.send(60)
    assert server.sessions == 1
    assert not notices.are_due()
    server.doing = mail.take
    due_again()
    notices.send(60)
    assert len(server.mails) == 2


@pytest.mark.parametrize("doing", [mail.reject, mail.reject_text])
def test_one_that_is_refused_for_itself_holds_up_no_other(
    alice: Merchant, bob: Merchant, server: MailServer, monkeypatch, doing: mail.Doing
) -> None:
    bob.contact_email = "bob@merchant.example"
    bob.save()
    disabled(alice)
    disabled(bob)
    server.doing = doing
    send = notices.mailing.send

    def send_and_be_forgiven(letter: Letter) -> None:
        try:
            send(letter)
        finally:
            server.doing = mail.take

    monkeypatch.setattr(notices.mailing, "send", send_and_be_forgiven)
    notices.send(60)
    assert server.sessions == 2
    assert [told["To"] for told in server.mails][-1:] == ["bob@merchant.example"]
    assert Notice.objects.get(endpoint__merchant=alice).sent_at is None
    assert Notice.objects.get(endpoint__merchant=bob).sent_at is not None


@pytest.mark.parametrize("address", ["<>", "nobody", "a@shop.example\nBcc: b@shop.example"])
def test_what_is_no_address_holds_up_no_other(
    alice: Merchant, bob: Merchant, server: MailServer, address: str
) -> None:
    Merchant.objects.filter(id=bob.id).update(contact_email=address)
    disabled(bob)
    disabled(alice)
    notices.send(60)
    (told,) = server.mails
    assert told["To"] == "alice@merchant.example"
    assert Notice.objects.filter(endpoint__merchant=bob, tries=1, sent_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_claim_at_the_same_time_do_not_both_get_one(alice: Merchant, server: MailServer) -> None:
    disabled(alice, 2)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        assert notices._take() is not None
        pool.submit(_send_elsewhere).result(120)
    assert server.sessions == 0
    assert sorted(Notice.objects.values_list("tries", flat=True)) == [0, 1]


def _send_elsewhere() -> None:
    try:
        notices.send(60)
    finally:
        connection.close()


def test_one_is_under_way_at_a_time(alice: Merchant, server: MailServer, monkeypatch) -> None:
    def send_more(letter: object) -> None:
        assert not notices.are_due()
        notices.send(60)

    disabled(alice, 2)
    monkeypatch.setattr(notices.mailing, "send", send_more)
    notices.send(60)
    assert set(Notice.objects.values_list("tries", flat=True)) == {1}


def test_after_eleven_tries_it_is_given_up_with_an_error(alice: Merchant, server: MailServer, caplog) -> None:
    disabled(alice)
    server.doing = mail.reject
    for _ in range(12):
        notices.send(60)
        due_again()
    assert server.sessions == 11
    notice = Notice.objects.get()
    assert (notice.next_try_at, notice.sent_at) == (None, None)
    (error,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "SMTPRecipientsRefused" in error.getMessage()
    assert "alice@" not in caplog.text


class Killed(BaseException):
    """What a process feels of SIGKILL."""


def lose_leases() -> None:
    Notice.objects.filter(claim_id__isnull=False).update(claimed_until=Now() - timedelta(seconds=1))


def test_one_whose_sender_dies_before_it_is_recorded_is_sent_again_as_the_same(
    alice: Merchant, server: MailServer, monkeypatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise Killed

    disabled(alice)
    with monkeypatch.context() as dying:
        dying.setattr(notices, "_settle", die)
        with pytest.raises(Killed):
            notices.send(60)
    notices.send(60)
    assert len(server.mails) == 1
    lose_leases()
    notices.send(60)
    first, second = server.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert Notice.objects.get().tries == 2


def test_one_whose_answer_is_lost_is_sent_again_as_the_same(alice: Merchant, server: MailServer) -> None:
    disabled(alice)
    server.doing = mail.forget_to_answer
    notices.send(60)
    server.doing = mail.take
    due_again()
    notices.send(60)
    first, second = server.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_one_that_kills_its_sender_every_time_is_given_up(alice: Merchant, server: MailServer) -> None:
    disabled(alice)
    Notice.objects.update(tries=notices.TRIES, claim_id=alice.id, claimed_until=Now() - timedelta(seconds=1))
    notices.send(60)
    assert server.sessions == 0
    assert Notice.objects.get().next_try_at is None


def test_who_lost_the_claim_records_nothing(alice: Merchant, server: MailServer, monkeypatch) -> None:
    disabled(alice)

    def slow(letter: object) -> None:
        Notice.objects.update(claim_id=alice.id)

    monkeypatch.setattr(notices.mailing, "send", slow)
    notices.send(0.0001)
    notice = Notice.objects.get()
    assert (notice.sent_at, notice.claim_id) == (None, alice.id)


@pytest.mark.parametrize("change", [{"state": "active"}, {"deleted_at": Now()}])
def test_nobody_is_told_of_what_is_over(alice: Merchant, server: MailServer, change: dict) -> None:
    disabled(alice)
    Endpoint.objects.update(**change)
    notices.send(60)
    assert server.sessions == 0
    assert not notices.are_due()


def test_the_address_is_that_of_the_moment_of_sending(alice: Merchant, server: MailServer) -> None:
    disabled(alice, 2)
    Merchant.objects.update(contact_email="new@merchant.example")
    notices.send(60)
    assert {told["To"] for told in server.mails} == {"new@merchant.example"}


def test_a_merchant_that_left_is_not_told(alice: Merchant, server: MailServer) -> None:
    disabled(alice)
    Merchant.objects.update(contact_email="")
    notices.send(60)
    assert server.sessions == 0


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_a_mail_is_sent(
    alice: Merchant, server: MailServer, monkeypatch
) -> None:
    found: list[bool] = []
    disabled(alice)
    monkeypatch.setattr(notices.mailing, "send", lambda _: found.append(connection.in_atomic_block))
    notices.send(60)
    assert found == [False]
