"""What is printed to whoever follows docs/production.md."""

import re

import pytest

from tests.deploy.following import Installation

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("deploy")]


def test_the_way_leads_to_a_parcel_that_is_followed(installation: Installation) -> None:
    printed = installation.printed.replace(": ", ":")
    assert '"trackingNumber":"SHIP24_SAMPLE_OUT_FOR_DELIVERY_001"' in printed


def test_figures_are_served_to_this_machine(installation: Installation) -> None:
    assert re.search(r"^parcelwire_up\S* 1", installation.printed, re.MULTILINE)


def test_the_doctor_is_content_after_the_upgrade(installation: Installation) -> None:
    """Its exit status ends the shell where something is bad; nothing printed says so."""
    assert " bad " not in installation.printed
