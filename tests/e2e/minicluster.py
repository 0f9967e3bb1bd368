"""Run the end-to-end check on a one-node cluster that is started for it and stopped afterwards (Linux, root).

    PYTHONPATH=tests python -m e2e.minicluster DIRECTORY [--only TOPIC]…

DIRECTORY holds `up.sh`, `down.sh` and `image.sh`, and what they need has been built by its `build.sh`. The cluster
gets a state directory and a port of its own, so others may run beside it. Images are built upon the one base image
there is, in layers, so that what they have in common is built once; pip and uv trust this machine's certificates, by
files that are mounted meanwhile and stay out of the image.
"""

import argparse
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

BASE = "docker.io/library/python:3.11-slim"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
SETTINGS = {"/etc/pip.conf": f"[global]\ncert = {CERTIFICATES}\n", "/etc/uv/uv.toml": "system-certs = true\n"}


def main() -> int:
    """Run the command line and return the exit status of the check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    given, others = parser.parse_known_args()
    scripts: Path = given.directory.resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="e2e-") as scratch:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = str(probe.getsockname()[1])
        cluster = Path(scratch, "cluster")
        environment = os.environ | {"MC_DIR": str(cluster), "MC_PORT": port}
        build = ["--layers", f"--build-arg=PYTHON_IMAGE={BASE}", f"--volume={CERTIFICATES}:{CERTIFICATES}:ro"]
        for target, text in SETTINGS.items():
            source = Path(scratch, Path(target).name)
            source.write_text(text, encoding="utf-8")
            build.append(f"--volume={source}:{target}:ro")
        check = [sys.executable, "-m", "e2e.run", f"--kubeconfig={cluster / 'kubeconfig'}", *others]
        check += [f"--image-command={shlex.quote(str(scripts / 'image.sh'))}", "--", *build]
        try:
            subprocess.run([scripts / "up.sh"], env=environment, check=True)
            return subprocess.run(check, env=environment, check=False).returncode
        finally:
            subprocess.run([scripts / "down.sh", "--purge"], env=environment, check=False)


if __name__ == "__main__":
    sys.exit(main())
