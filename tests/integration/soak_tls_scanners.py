"""What testssl.sh and sslscan find in `simul serve` over TLS: nothing at medium or above."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from _certificates import Authority
from _simul import Serve, listener

# About a certificate that was made for the test, and about what handlers put into their answers.
NOT_OURS = {"cert_trust", "cert_chain_of_trust", "cert_revocation", "security_headers"}


class Scanners(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        ca = Authority(cls.folder.name)
        site = ca.certificate_of("site", "localhost", days=90)
        rsa = ca.certificate_of("rsa", "localhost", key=("rsa", "rsa_keygen_bits:2048"), days=90)
        cls.files = [*site.files, *rsa.files]
        cls.listener = listener("http", tls=site.yaml(f", sni: [{rsa.yaml()}]"))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @unittest.skipUnless(shutil.which("testssl"), "there is no testssl.sh")
    def test_testssl_finds_nothing_at_medium_or_above(self):
        report = pathlib.Path(self.folder.name, "report.json")
        with Serve(self.listener, files=self.files) as server:
            subprocess.run(
                ["testssl", "--quiet", "--warnings", "off", "--color", "0", "--nodns", "min", "--ip", "127.0.0.1",
                 "--severity", "MEDIUM", "--jsonfile", report, f"localhost:{server.address()[1]}"],
                stdout=subprocess.DEVNULL, timeout=900, check=False,
            )
        found = [one for one in json.loads(report.read_text()) if one["id"].split(" ")[0] not in NOT_OURS]
        self.assertEqual(found, [])

    @unittest.skipUnless(shutil.which("sslscan"), "there is no sslscan")
    def test_sslscan_sees_nothing_old_or_weak(self):
        with Serve(self.listener, files=self.files) as server:
            text = subprocess.run(
                ["sslscan", "--no-colour", "--sni-name=localhost", f"127.0.0.1:{server.address()[1]}"],
                capture_output=True, text=True, timeout=300, check=True,
            ).stdout
        for version in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"):
            self.assertRegex(text, rf"{version} +disabled")
        suites = [line.split()[4] for line in text.splitlines() if line.startswith(("Preferred", "Accepted"))]
        self.assertGreaterEqual(len(suites), 6)
        for suite in suites:
            self.assertRegex(suite, "^(TLS_|ECDHE-).*(GCM|CHACHA20)")
        self.assertIn("Session renegotiation not supported", text)


if __name__ == "__main__":
    unittest.main()
