"""The calls of one question: none begins once no more are wanted."""

import pytest

from carriers.adapter import Answer, Request
from carriers.exceptions import TooLate
from carriers.starting import Calls


class Carrier:
    """Answers, and wants no more calls after that."""

    asked = 0

    def send(self, request: Request) -> Answer:
        self.asked += 1
        return Answer(200, {}, b"{}")

    def is_new(self) -> bool:
        return not self.asked


def test_a_question_of_several_calls_is_left_between_two_of_them() -> None:
    carrier = Carrier()
    calls = Calls(carrier, most=3, is_wanted=carrier.is_new)
    request = Request("https://carrier.example/")
    calls.send(request)
    with pytest.raises(TooLate):
        calls.send(request)
    assert (calls.made, carrier.asked) == (1, 1)
