"""What the measurement commands of TLS share: certificates, and servers that have one."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import pathlib
import string
import subprocess
import tempfile
from collections.abc import Iterator, Sequence

import harness
import nginx

ECDSA = "ECDSA P-256"
KEYS = {
    ECDSA: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "RSA-2048": ["-newkey", "rsa:2048"],
    "RSA-4096": ["-newkey", "rsa:4096"],
}

# The same protocols and groups as simul's, its default ciphers (the load offers one), and OpenSSL's own
# ticket keys.
NGINX_HTTP = """\
  server {
    listen 127.0.0.1:$port ssl;
    listen 127.0.0.1:$plain_port;
    ssl_certificate $certificate;
    ssl_certificate_key $key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ecdh_curve X25519:prime256v1:secp384r1;
    ssl_prefer_server_ciphers on;
    ssl_session_tickets on;
    location / {
      default_type text/plain;
      return 200 "hello\\n";
    }
  }
"""
SIMUL_HTTP = """\
  - name: https
    address: 127.0.0.1:$port
    protocol: http
    tls: { certificate: $certificate, key: $key }
    options: { routes: { /: "hello\\n" } }
  - name: http
    address: 127.0.0.1:$plain_port
    protocol: http
    options: { routes: { /: "hello\\n" } }
"""
SIMUL_ECHO = harness.ECHO + """\
    tls: { certificate: $certificate, key: $key }
"""


@dataclasses.dataclass(frozen=True)
class Certificate:
    certificate: pathlib.Path
    key: pathlib.Path


@contextlib.contextmanager
def certificate(key: str = ECDSA) -> Iterator[Certificate]:
    """Signed by itself, for localhost; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="simul-bench-") as name:
        made = Certificate(pathlib.Path(name) / "cert.pem", pathlib.Path(name) / "key.pem")
        done = subprocess.run(["openssl", "req", "-x509", *KEYS[key], "-nodes", "-subj",
                               "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                               "-out", made.certificate, "-keyout", made.key],
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise harness.Failure(f"openssl made no certificate:\n{done.stderr}")
        yield made


def simul_echo(options: argparse.Namespace, own: Certificate,
               threads: Sequence[str] = ("1",)) -> list[harness.Candidate]:
    return harness.candidates(options, threads, fill(SIMUL_ECHO, own))


def epoll_echo(own: Certificate) -> harness.Candidate:
    return harness.peer("epoll_tls_echo", own.certificate, own.key)


def simul_http(options: argparse.Namespace, own: Certificate,
               plain_port: int) -> list[harness.Candidate]:
    return harness.candidates(options, ["1"], fill(SIMUL_HTTP, own, plain_port=plain_port))


def nginx_http(own: Certificate, plain_port: int) -> harness.Candidate:
    return nginx.candidate(fill(NGINX_HTTP, own, plain_port=plain_port))


def fill(template: str, own: Certificate, **values: object) -> str:
    return string.Template(template).safe_substitute(values, certificate=own.certificate,
                                                     key=own.key)
