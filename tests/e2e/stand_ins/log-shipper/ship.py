"""Understands as much of Fluent Bit's command line as the catalogue's log shipper uses: follow files, print lines."""

import argparse
import json
import signal
import sys
import time
from pathlib import Path
from typing import BinaryIO


def main() -> None:
    """Print each line that is added to a file, until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", choices=["tail"], required=True)
    parser.add_argument("--output", choices=["stdout"], required=True)
    parser.add_argument("--prop", action="append", type=lambda text: text.split("=", 1), default=[])
    pattern = dict(parser.parse_args().prop)["path"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    files: dict[Path, BinaryIO] = {}
    while True:
        for path in Path("/").glob(pattern.lstrip("/")):
            if path not in files:
                files[path] = path.open("rb")
            file = files[path]
            while (line := file.readline()).endswith(b"\n"):
                sys.stdout.write(json.dumps({"file": str(path), "log": line[:-1].decode()}) + "\n")
            file.seek(-len(line), 1)
        time.sleep(0.5)


main()
