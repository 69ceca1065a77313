"""What the pages of lists have in common."""

from accounts.describing import TEXT, nullable, told

NEXT = told(nullable(TEXT), "Send it as `after` to read on; null at the end.")
