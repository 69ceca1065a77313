"""What the environment sets, by sections of docs/settings.md; config.settings takes all of it over."""
