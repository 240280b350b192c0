"""Try every fault and print a table."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tabulate import tabulate

from tests.faults import __doc__ as description
from tests.faults.kinds import faults, try_fault
from tests.faults.project import rebuild_undisturbed


def main() -> int:
    """Try the faults and print a table; return 1 if one did harm."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=description)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="faults with this in their name")
    options = parser.parse_args()
    _start_again_where_one_may_mount()
    folder, rows = Path(tempfile.mkdtemp(prefix="faults-")), []
    undisturbed = rebuild_undisturbed(folder)
    print(f"undisturbed: {undisturbed.seconds:.0f} s; seed {options.seed}", flush=True)
    for number, fault in enumerate(faults(undisturbed, options.kills)):
        if options.only in fault.name:
            broken, began = folder / str(number), time.monotonic()
            outcome, note = try_fault(fault, undisturbed, broken, options.seed)
            rows.append([fault.name, outcome, round(time.monotonic() - began), note])
            print(*rows[-1], sep=", ", flush=True)
            if outcome in ("ok", "skipped"):
                shutil.rmtree(broken)
    print(tabulate(rows, headers=["fault", "outcome", "seconds", "note"], tablefmt="github"))
    if harm := [fault for fault, outcome, _, _ in rows if outcome not in ("ok", "skipped")]:
        print(f"{len(harm)} faults did harm; their projects are in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


def _start_again_where_one_may_mount() -> None:
    """Go on in a mount namespace of our own: its mounts vanish with us, and any user may mount a tmpfs there."""
    unshare = ["unshare", "--mount", *(["--user", "--map-root-user"] if os.geteuid() else [])]
    with suppress(OSError):  # no such command: full disks are skipped
        if "FAULTS_NAMESPACE" not in os.environ and not subprocess.run([*unshare, "true"], check=False).returncode:
            os.environ["FAULTS_NAMESPACE"] = "1"
            os.execvp(unshare[0], [*unshare, sys.executable, "-m", "tests.faults", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
