"""Who looks after staff cannot make themselves, or anybody, more than their role allows."""

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.test import Client

from config.roles import ADMINISTRATOR, grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator() -> Client:
    grant(apps)
    user = User.objects.create_user("ann", is_staff=True)
    user.groups.add(Group.objects.get(name=ADMINISTRATOR))
    client = Client()
    client.force_login(user)
    return client


def saved(client: Client, user: User, **fields: str) -> int:
    body = {"username": user.username, "is_active": "on", "is_staff": "on"} | fields
    return client.post(f"/admin/auth/user/{user.pk}/change/", body).status_code


def test_an_administrator_lets_a_clerk_in(administrator: Client) -> None:
    clerk = User.objects.create_user("clerk")
    assert saved(administrator, clerk) == 302
    clerk.refresh_from_db()
    assert clerk.is_staff


def test_and_makes_nobody_a_superuser(administrator: Client) -> None:
    ann = User.objects.get(username="ann")
    saved(administrator, ann, is_superuser="on")
    ann.refresh_from_db()
    assert not ann.is_superuser


@pytest.mark.parametrize("page", ["change", "delete", "password"])
def test_nor_touches_one(administrator: Client, page: str) -> None:
    root = User.objects.create_superuser("root", password="a long one of its own")
    before = root.password
    address = f"/admin/auth/user/{root.pk}/{page}/"
    body = {"username": "r", "post": "yes", "password1": "hello hello", "password2": "hello hello"}
    assert administrator.post(address, body).status_code == 403
    root.refresh_from_db()
    assert (root.username, root.password) == ("root", before)


def test_a_superuser_does(administrator: Client) -> None:
    root = User.objects.create_superuser("root")
    client = Client()
    client.force_login(root)
    assert client.get(f"/admin/auth/user/{root.pk}/password/").status_code == 200


def test_an_administrator_lets_in_again_who_is_shut_out(administrator: Client) -> None:
    shut = AccessAttempt.objects.create(username="clerk", ip_address="192.0.2.7", failures_since_start=5)
    address = f"/admin/axes/accessattempt/{shut.pk}/delete/"
    assert administrator.post(address, {"post": "yes"}).status_code == 302
    assert not AccessAttempt.objects.exists()
