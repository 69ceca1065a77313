"""All that happened to one parcel, in one column for staff: its log, and what came of asking and telling."""
