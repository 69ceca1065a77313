"""What docs/metrics.md says there is."""

from tests.docs.documents import page, table


def documented() -> dict[str, set[str]]:
    """The names of labels by the names of figures, as a query has them: of a histogram, its three parts."""
    found: dict[str, set[str]] = {}
    for head in ("figure", "figure of a process"):
        for name, kind, cell, _ in table(page("metrics"), head, "kind", "labels", "what it says"):
            labels = set(cell.replace("`", "").split(", ")) - {""}
            if kind == "histogram":
                found |= {f"{name}_sum": labels, f"{name}_count": labels, f"{name}_bucket": labels | {"le"}}
            else:
                found[name] = labels
    return found
