"""How seldom a process looks for circles of objects that nothing else holds."""

import gc


def look_seldom() -> None:
    """Leave what is loaded by now alone, and look through the rest after 20,000 objects instead of 700.

    An answer, a poll or a delivery makes hundreds of objects and no circles. To look for those as often as
    Python does took a twentieth of the time of a read, and a quarter of that of recording (bench/RESULTS.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
