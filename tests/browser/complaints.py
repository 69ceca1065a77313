"""What a browser says is wrong with the pages it opens."""

import json
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

#: The console has the browser's words for a breach of the content policy; this adds what and where.
_BREACHES = """
document.addEventListener('securitypolicyviolation', breach => console.error(
    `content policy: ${breach.effectiveDirective} stopped ${breach.blockedURI} in ${breach.sourceFile}` +
    `:${breach.lineNumber} ${breach.sample}`));
"""
#: Said for each answer over 399; what these were is seen from the answers themselves.
_SEEN_ELSEWHERE = "Failed to load resource: the server responded with a status of"


class Complaints:
    """Errors of the console and of scripts, breaches of the content policy, other hosts, files that fail.

    A page that answers 4xx is no complaint: its test says which status it expects.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self.heard: list[str] = []

    def listen(self, context: BrowserContext) -> None:
        context.add_init_script(_BREACHES)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.heard.append(f"script error: {error.error}"))
        context.on("request", self._request)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_SEEN_ELSEWHERE):
            at = message.location
            self.heard.append(f"console {message.type}: {message.text} ({at['url']}:{at['lineNumber']})")

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob", "about"} and address.netloc != self.host:
            self.heard.append(f"asked another host: {request.url}")

    def _response(self, response: Response) -> None:
        a_page = response.request.is_navigation_request()
        if response.status >= (500 if a_page else 400):
            self.heard.append(f"{response.status} from {response.url}")


def accessibility(page: Page, script: str, rules: dict[str, object] | None = None) -> str:
    """What axe-core finds wrong with the page as it stands, a few lines for each finding; empty: nothing.

    Its script is run by the browser's debugger, so that the page keeps its content policy.
    """
    page.evaluate(script)
    options = json.dumps({"resultTypes": ["violations"], "rules": rules or {}})
    found = page.evaluate(f"axe.run(document, {options})")
    lines = []
    for finding in found["violations"]:
        lines.append(f"{finding['id']} ({finding['impact']}): {finding['help']}")
        for node in finding["nodes"][:8]:
            said = [check["message"] for check in [*node["any"], *node["all"], *node["none"]]]
            html = " ".join(node["html"].split())[:240]
            lines.append(
                f"    {' '.join(map(str, node['target']))}\n        {html}\n        {'; '.join(said)}"
            )
    return "\n".join(lines)
