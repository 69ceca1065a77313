"""The statements of docs/runbook.md are executed, as the application's own role would."""

import pytest
from django.db import connection

from tests.docs.blocks import Block, blocks_for

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("block", blocks_for(__name__), ids=str)
def test_a_statement_of_the_runbook_runs(block: Block) -> None:
    with connection.cursor() as cursor:
        cursor.execute(block.text)
        assert cursor.description
