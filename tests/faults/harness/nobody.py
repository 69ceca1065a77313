"""Subscribers that are not there: what a stack has until a fleet is."""

import time


class Nobody:
    """No request ever comes."""

    def hold(self, seconds: float) -> int:
        time.sleep(seconds)
        return 0

    def let_go(self) -> None:
        """Nothing is held."""

    def answered(self, seconds: float) -> int:
        time.sleep(seconds)
        return 0
