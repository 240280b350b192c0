"""Pipeline step: put the files of one data set of data/catalog.yaml into data/raw/<data set>, verified."""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.core.files import atomic_folder
from stages.obtain.catalog import load_entry
from stages.obtain.sources import fetch_files, problems

CATALOG = Path("data/catalog.yaml")
RAW = Path("data/raw")


def fetch(name: str) -> None:
    """Write the files of data set `name`, decompressed, to data/raw/<name>; files already there are checked and kept.

    Raises:
        UserError: no such data set, no source that gives the right files, or no place to write them.
    """
    entry = load_entry(CATALOG, name)
    target, partial = RAW / name, RAW / ".partial.tmp" / name
    wrong = problems(entry.files, target)
    if not wrong:
        print(f"{target}: all {len(entry.files)} files are there and have the right checksums")
        return
    with atomic_folder(target) as folder:
        if target.exists():
            for path, problem in wrong.items():
                print(f"{path}: {problem}; the data set is fetched again", file=sys.stderr)
                if path.is_file():
                    path.unlink()  # a wrong file is not left in place, even if no source can replace it
        with TemporaryDirectory(dir=folder) as work:  # on the same disk, so that a full one is reported the same way
            label = fetch_files(name, entry, folder, Path(work).absolute(), partial)
    shutil.rmtree(partial, ignore_errors=True)
    print(f"{target}: {len(entry.files)} files from {label}")
