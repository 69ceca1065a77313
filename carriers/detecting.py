"""Whose number is this? Every courier whose own numbers look like it, the surest first, and why. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from carriers.adapter import Adapter, Confidence
from carriers.registry import adapters

#: The surest first.
_ORDER = tuple(Confidence)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A courier that a number may belong to. `why` is a sentence for the merchant."""

    courier: str
    confidence: Confidence
    why: str


def candidates(number: str, couriers: Iterable[str]) -> list[Candidate]:
    """Which of these couriers the number may belong to, the surest first, equals by their codes.

    A number that is one courier's alone (the sandbox's own) has that candidate only, whether it is among
    these or not.
    """
    fitting = [one for one in adapters().values() if one.looks_like.fullmatch(number)]
    alone = [one for one in fitting if one.alone]
    wanted = set(couriers)
    found = [_candidate(one, number) for one in alone or fitting if one in alone or one.code in wanted]
    return sorted(found, key=lambda one: (_ORDER.index(one.confidence), one.courier))


def _candidate(courier: Adapter, number: str) -> Candidate:
    confidence = Confidence.CHECKSUM if courier.check(number) else courier.confidence
    return Candidate(courier.code, confidence, _why(courier, confidence))


def _why(courier: Adapter, confidence: Confidence) -> str:
    form = f": {courier.form}" if courier.form else ""
    match confidence:
        case Confidence.CHECKSUM:
            scheme = f" ({courier.check_form})" if courier.check_form else ""
            return f"The number's check digit is right{scheme}."
        case Confidence.FORMAT:
            return f"It has the form of {courier.name}'s own numbers{form}."
        case Confidence.GUESS:
            return f"{courier.name} takes numbers of this form, and so do others{form}."
