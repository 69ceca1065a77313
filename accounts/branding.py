"""How a merchant's pages for shoppers look, and what their links are signed with."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from accounts.images import read
from accounts.models import Merchant, PageLogo, new_page_secret


def brand_of(merchant_id: UUID) -> Merchant:
    """The merchant with its logo, if it has one; without the logo's bytes. One statement."""
    return Merchant.objects.select_related("page_logo").defer("page_logo__body").get(id=merchant_id)


def change(merchant_id: UUID, wishes: Mapping[str, Any]) -> None:
    """Set what is named: `page_is_enabled`, `page_name`, `page_colour`."""
    if wishes:
        Merchant.objects.filter(id=merchant_id).update(**wishes)


def set_logo(merchant_id: UUID, body: bytes) -> None:
    """Take this picture for the logo. Raises ValueError as `images.read` does."""
    fields = {**read(body)._asdict(), "body": body, "public_id": uuid4()}
    PageLogo.objects.update_or_create(merchant_id=merchant_id, defaults=fields)


def remove_logo(merchant_id: UUID) -> None:
    """Without one, the name alone is shown."""
    PageLogo.objects.filter(merchant_id=merchant_id).delete()


def renew_links(merchant_id: UUID) -> None:
    """Every link that was given out so far leads nowhere from now on."""
    Merchant.objects.filter(id=merchant_id).update(page_secret=new_page_secret())
