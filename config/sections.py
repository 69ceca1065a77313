"""The headings of docs/settings.md, in their order; a variable is declared below one where it is read."""

from config.environment import Section

running = Section("How it runs")
keys = Section("Secrets")
callers = Section("Who may call")
servers = Section("Servers")
staff = Section("Staff")
api = Section("The API")
polling = Section("Polling")
webhooks = Section("Webhooks")
mail = Section("E-mail")
lifecycle = Section("Starting and stopping")
logs = Section("Logs")
metrics = Section("Metrics")
upkeep = Section("Upkeep and backups")

EVERY = (
    *(running, keys, callers, servers, staff, api, polling, webhooks, mail),
    *(lifecycle, logs, metrics, upkeep),
)


def names() -> list[str]:
    """Every variable that is read, in the order of the page; then those that name files for secrets."""
    declared = [variable for section in EVERY for variable in section.variables.values()]
    return [one.name for one in declared] + [f"{one.name}_FILE" for one in declared if one.secret]
