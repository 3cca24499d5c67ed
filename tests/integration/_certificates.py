"""Certificates for the tests, made by the `openssl` command.

    ca = Authority(folder)
    site = ca.certificate("site", "localhost")      # site.pem, site.key in the folder
"""

import pathlib
import subprocess


def openssl(*arguments, **options):
    return subprocess.run(
        ["openssl", *map(str, arguments)], check=True, capture_output=True, text=True, timeout=60, **options
    ).stdout


class Pair:
    """A certificate and its key, by their paths."""

    def __init__(self, folder, name):
        self.certificate = pathlib.Path(folder, f"{name}.pem")
        self.key = pathlib.Path(folder, f"{name}.key")

    @property
    def files(self):
        return [self.certificate, self.key]

    def yaml(self, more=""):
        """The value of `tls:` in a listener, or of an item of `sni:`."""
        return f"{{ certificate: {self.certificate.name}, key: {self.key.name}{more} }}"


class Authority(Pair):
    """Signs the others."""

    def __init__(self, folder, name="ca"):
        super().__init__(folder, name)
        self.folder = folder
        openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=Test CA", "-days", 30, "-keyout", self.key, "-out", self.certificate,
        )

    def certificate_of(self, name, *hosts, key=("ec", "ec_paramgen_curve:P-256"), days=30):
        """`hosts` are DNS names; without any it is one for clients. Negative days: it has expired."""
        pair = Pair(self.folder, name)
        request = pathlib.Path(self.folder, f"{name}.csr")
        extensions = pathlib.Path(self.folder, f"{name}.ext")
        names = ",".join(f"DNS:{host}" for host in hosts)
        extensions.write_text(f"subjectAltName={names}\n" if hosts else "extendedKeyUsage=clientAuth\n")
        openssl(
            "req", "-new", "-newkey", key[0], "-pkeyopt", key[1], "-nodes", "-subj", f"/CN={name}",
            "-keyout", pair.key, "-out", request,
        )
        openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-days", days,
            "-extfile", extensions, "-out", pair.certificate,
        )
        return pair
