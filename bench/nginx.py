"""nginx as a peer: one process, in the foreground, with the http block that a measurement needs."""

from __future__ import annotations

import pathlib
import string

import harness

CONFIG = """\
daemon off;
master_process off;
worker_processes 1;
pid $folder/nginx.pid;
error_log stderr;
worker_rlimit_nofile 20000;
events { worker_connections $connections; }
http {
  access_log off;
  client_body_temp_path $folder/body;
  proxy_temp_path $folder/proxy;
  fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi;
  scgi_temp_path $folder/scgi;
  keepalive_requests 1000000000;
$http}
"""


def candidate(http: str, label: str = "nginx", connections: int = 4096,
              **values: object) -> harness.Candidate:
    """`http` is a template with a $port, and with whatever is among the values."""
    binary = harness.installed("nginx", "nginx-light")

    def command(port: int, folder: pathlib.Path) -> list[str]:
        config = folder / "nginx.conf"
        config.write_text(string.Template(CONFIG.replace("$http", http)).substitute(
            values, port=port, folder=folder, connections=connections))
        return [binary, "-p", str(folder), "-e", "stderr", "-c", str(config)]

    return harness.Candidate(label, command)
