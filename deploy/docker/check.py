"""Checks the root of an image, as `deploy/docker/root` lays it, by starting it: in a chroot, read-only, as nobody.

    unshare --mount --net python3 -B deploy/docker/check.py FOLDER VERSION [EMULATOR]

Needs root, to change it. EMULATOR is a static qemu, for another architecture than the machine's.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import world

# With the adapter to Kafka, and what stays: watches, an HTTP server, pages. docs/release.md has what each release added.
LIMIT = 14_500_000  # bytes
NOBODY = 65532
ACCOUNT = "var/run/secrets/kubernetes.io/serviceaccount"
BUNDLE = "etc/ssl/certs/ca-certificates.crt"


class Image(unittest.TestCase):
    """What the image promises."""

    image = version = emulator = None

    @classmethod
    def setUpClass(cls):
        cls.scratch = pathlib.Path(tempfile.mkdtemp())
        cls.scratch.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.authority, certificate, key = world.certify(cls.scratch)
        world.start(certificate, key)

    def setUp(self):
        world.Servers.requests.clear()

    def start(self, *arguments, trusted=False, **more):
        """Starts the program in the image's root, and around it only what a kubelet mounts into a pod."""
        root = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        shutil.copytree(self.image, root, dirs_exist_ok=True)
        root.chmod(0o755)
        (root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        (root / ACCOUNT).mkdir(parents=True)
        (root / ACCOUNT / "token").write_text("a-token")
        (root / ACCOUNT / "namespace").write_text("streams")
        authority = pathlib.Path(self.authority).read_text()
        (root / ACCOUNT / "ca.crt").write_text(authority)
        if trusted:
            with open(root / BUNDLE, "a") as bundle:
                bundle.write(authority)
        before = ["/emulator"] if self.emulator else []
        if self.emulator:
            shutil.copy(self.emulator, root / "emulator")
        subprocess.run(["mount", "--bind", root, root], check=True)
        self.addCleanup(subprocess.run, ["umount", root], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", root], check=True)
        return subprocess.run(
            ["setpriv", "--no-new-privs", shutil.which("chroot"), f"--userspec={NOBODY}:{NOBODY}", "--groups=", root,
             *before, "/rebalancer", *arguments],
            capture_output=True, text=True, timeout=120,
            env={
                "KUBERNETES_SERVICE_HOST": world.API_SERVER, "KUBERNETES_SERVICE_PORT": str(world.PORT),
                "PROMETHEUS_ENDPOINT": f"https://{world.METRICS}:{world.PORT}", "PROMETHEUS_TIMEOUT": "10s",
                "KUBE_NAMESPACE": "streams", "DEPLOYMENT_NAME": "consumer", **more,
            },
        )  # fmt: skip

    def test_it_holds_the_program_and_certificates_and_nothing_else(self):
        files = [path.relative_to(self.image).as_posix() for path in self.image.rglob("*") if not path.is_dir()]
        self.assertEqual(sorted(files), [BUNDLE, "rebalancer"])
        self.assertIn("BEGIN CERTIFICATE", (self.image / BUNDLE).read_text())

    def test_it_is_smaller_than_its_limit(self):
        sizes = {path.name: path.stat().st_size for path in self.image.rglob("*") if path.is_file()}
        print(f"\nbytes: {sizes}, together {sum(sizes.values())}", file=sys.stderr)
        self.assertLess(sum(sizes.values()), LIMIT)

    def test_the_program_is_static_and_where_rust_can_position_independent(self):
        tell = ["readelf", "--wide", "--file-header", "--program-headers", "--dynamic", self.image / "rebalancer"]
        told = subprocess.run(tell, check=True, capture_output=True, text=True).stdout
        # Rust makes position-independent static programs for amd64 only.
        if "X86-64" in told:
            self.assertIn("DYN (Position-Independent Executable file)", told)
        self.assertNotIn("INTERP", told)
        self.assertNotIn("NEEDED", told)

    def test_it_starts_as_nobody_on_a_read_only_root(self):
        ended = self.start("--version")
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertTrue(ended.stdout.startswith(f"rebalancer {self.version}"), ended.stdout)

    def test_it_simulates_without_anything_around_it(self):
        ended = self.start("simulate", "--cycles", "2")
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))

    def test_an_error_is_told_where_backtraces_are_asked_for(self):
        # The program's unwind tables are left out: the unwinder must find an end, and not abort.
        ended = self.start("simulate", "--pods", "5", "--report", "/nowhere/report.html", RUST_BACKTRACE="1")
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertIn("the report can't be written to /nowhere/report.html", ended.stderr)

    def test_it_finds_servers_by_name_and_trusts_the_certificates_of_the_image(self):
        ended = self.start("plan", trusted=True)
        self.assertIn((world.METRICS, "/api/v1/query"), world.Servers.requests, ended.stderr)
        self.assertIn((world.API_SERVER, "/api/v1/namespaces/streams/pods"), world.Servers.requests, ended.stderr)
        self.assertEqual(ended.returncode, 0, ended.stderr)

    def test_an_authority_that_is_not_in_the_image_is_not_trusted(self):
        ended = self.start("plan")
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertIn("certificate", ended.stderr)
        self.assertNotIn(world.METRICS, [host for host, _ in world.Servers.requests])


if __name__ == "__main__":
    Image.image, Image.version = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    Image.emulator = os.path.realpath(sys.argv[3]) if len(sys.argv) > 3 else None
    unittest.main(argv=sys.argv[:1], verbosity=2)
