"""The nginx of deploy/nginx/parcelwire.conf: the file as it stands, at ports and paths of the test's own."""

import os
import re
import subprocess
from pathlib import Path

from config import loopback
from tests import tools
from tests.processes import ROOT
from tests.waiting import eventually
from tests.webhooks.tls import certificate

CONFIGURATION = ROOT / "deploy" / "nginx" / "parcelwire.conf"
HOST = "parcels.shop.example"
#: Its workers keep the user: as another they could not reach a folder of the tests.
_MAIN = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/parcelwire.conf;
}}
"""


class Proxy:
    """nginx in `folder`, before two webs at these ports of this machine."""

    def __init__(self, folder: Path, webs: tuple[int, int], configuration: Path = CONFIGURATION) -> None:
        folder.mkdir()
        certificate(folder, name=HOST)
        self.folder = folder
        self.http, self.https = loopback.free_port(), loopback.free_port()
        (folder / "parcelwire.conf").write_text(self._here(webs, configuration))
        user = "" if os.geteuid() else "user root;"
        (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, user=user))
        self._words = [tools.program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
        self._log = (folder / "nginx.output").open("wb")

    def _here(self, webs: tuple[int, int], configuration: Path) -> str:
        text = re.sub(r"\n *listen \[::\].*", "", configuration.read_text())
        for written, here in {
            "listen 80;": f"listen {loopback.HOST}:{self.http};",
            "listen 443 ": f"listen {loopback.HOST}:{self.https} ",
            "127.0.0.1:8000": f"127.0.0.1:{webs[0]}",
            "127.0.0.1:8001": f"127.0.0.1:{webs[1]}",
            "/etc/ssl/parcelwire/fullchain.pem": f"{self.folder}/server.pem",
            "/etc/ssl/parcelwire/privkey.pem": f"{self.folder}/server.pem",
            "/var/log/nginx/": f"{self.folder}/",
        }.items():
            assert written in text, written
            text = text.replace(written, here)
        return text

    def verdict(self) -> str:
        """What nginx says of the configuration; it ends with `is successful`."""
        done = subprocess.run([*self._words, "-t"], check=False, capture_output=True, text=True, timeout=60)
        return done.stderr.strip()

    def start(self) -> None:
        self._process = subprocess.Popen(self._words, stdout=self._log, stderr=self._log)
        eventually(lambda: not loopback.port_is_free(loopback.HOST, self.https))

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._log.close()

    def access_log(self) -> str:
        return (self.folder / "parcelwire.log").read_text()

    @property
    def url(self) -> str:
        """Where it answers over HTTPS; its certificate is for the address."""
        return f"https://{loopback.HOST}:{self.https}"
