import time
from pathlib import Path

from django.contrib import admin
from django.db.models import Model
from playwright.sync_api import Page

from tests.browser.conftest import Axe
from tests.browser.room import Room


def pages_of(model: type[Model]) -> list[str]:
    """The model's list, and the page of its first row."""
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    row = model._default_manager.order_by("pk").first()
    return [base, f"{base}{row.pk}/change/"] if row else [base]


def test_survey(staff_page: Page, room: Room, axe: Axe, complaints) -> None:
    wrong = []
    addresses = ["/admin/", "/admin/password_change/"]
    for model in admin.site._registry:
        addresses += pages_of(model)
        if len(pages_of(model)) == 1:
            wrong.append(f"NO ROW {model}")
    spent = [0, 0]
    for address in addresses:
        t = time.monotonic()
        try:
            answer = staff_page.goto(address)
            spent[0] += time.monotonic() - t
            t = time.monotonic()
            if answer.status != 200:
                wrong.append(f"{address} {answer.status}")
            axe(staff_page)
        except AssertionError as e:
            wrong.append(str(e))
        except Exception as e:
            wrong.append(f"{address} {e}")
        spent[1] += time.monotonic() - t
        wrong += complaints.heard
        complaints.heard.clear()
    wrong.append(f"SPENT {spent} {len(addresses)}")
    Path("/tmp/w/h5.survey").write_text("\n".join(wrong))
