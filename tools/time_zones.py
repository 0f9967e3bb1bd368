"""List the time zones that the API server knows: those of the database that Go builds into it.

    python tools/time_zones.py ZONEINFO_ZIP > template/schemas/time_zones.txt

ZONEINFO_ZIP is `lib/time/zoneinfo.zip` of the Go that builds the tools.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path


def names(database: Path) -> list[str]:
    """Every name in the database, in order."""
    with zipfile.ZipFile(database) as archive:
        return sorted(name for name in archive.namelist() if not name.endswith("/"))


def main() -> None:
    """Print the names in the database that is given on the command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: time_zones.py ZONEINFO_ZIP: name lib/time/zoneinfo.zip of a Go")
    print("\n".join(names(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
