# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""nginx before an Odoo server, set up as Odoo's manual does ("Deploying Odoo").

With workers, Odoo answers websockets on another port than all else: only a reverse
proxy makes one address of the two.
"""

import os
import subprocess
import tempfile

from support import processes

CONFIGURATION = """\
daemon off;
{user}worker_processes 1;
pid {folder}/nginx.pid;
error_log {log} warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    client_max_body_size 200m;
    proxy_read_timeout 720s;
    proxy_send_timeout 720s;
    proxy_redirect off;
    proxy_http_version 1.1;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    map $http_upgrade $connection_upgrade {{
        default upgrade;
        '' '';
    }}
    server {{
        listen {host}:{port};
        location /websocket {{
            proxy_pass http://{host}:{websocket_port};
        }}
        location / {{
            proxy_pass http://{host}:{http_port};
        }}
    }}
}}
"""


class ReverseProxy:
    """One address for an Odoo server with workers, while the body runs.

    :param command: nginx's program
    :param port: loopback TCP port to listen on
    :param http_port: where Odoo answers requests
    :param websocket_port: where it answers websockets (``gevent_port``)
    :param log: path of the file that takes what nginx has to say
    """

    def __init__(self, command, port, http_port, websocket_port, log):
        self.url = f"http://{processes.LOOPBACK}:{port}"
        self._command = command
        self._ports = {
            "port": port,
            "http_port": http_port,
            "websocket_port": websocket_port,
        }
        self._log = log

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="nginx-")
        folder = self._folder.name
        # root's workers would be another user's, who may not enter the folder
        user = "user root;\n" if os.geteuid() == 0 else ""
        text = CONFIGURATION.format(
            folder=folder,
            log=self._log,
            user=user,
            host=processes.LOOPBACK,
            **self._ports,
        )
        path = os.path.join(folder, "nginx.conf")
        with open(path, "w") as file:
            file.write(text)
        with open(self._log, "wb") as log:
            self._process = processes.start(
                [self._command, "-p", folder, "-c", path, "-e", self._log],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            processes.wait_until(self._listens, 10, f"nginx at {self.url}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception):
        processes.stop(self._process)
        self._folder.cleanup()

    def _listens(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"nginx ended: see {self._log}")
        return not processes.port_is_free(self._ports["port"])
