"""How times are written on the pages for staff: as in logs and in the API, in UTC, to be compared."""

DATE_FORMAT = SHORT_DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "Y-m-d H:i:s"
TIME_FORMAT = "H:i:s"
MONTH_DAY_FORMAT = "m-d"
