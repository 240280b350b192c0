"""Compare the metrics of the working tree with those committed in Git."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tabulate import tabulate

from stages.core.errors import UserError
from stages.core.run import PARAMS
from stages.core.schema import read_yaml, validate
from stages.core.verification import Finding, Tolerances, compare_runs

TOLERANCES = Path("metrics/tolerances.yaml")


def verify(reference: str) -> bool:
    """Print a summary, or a table of what left its band; return whether all is well.

    Raises:
        UserError: Git or DVC cannot be asked, nothing is committed, or the tolerances are wrong.
    """
    tolerances = validate(Tolerances, read_yaml(TOLERANCES), f"{TOLERANCES}:")
    expected = list(read_yaml(PARAMS)["runs"])
    committed = committed_metrics(reference)
    fresh = {path.stem: parse(path.read_text(encoding="utf-8"), str(path)) for path in Path("metrics").glob("*.json")}
    findings = compare_runs(committed, fresh, expected, tolerances)
    findings += [Finding(stage, "", "", "", "", "stale: `dvc repro` would run it again") for stage in stale_stages()]
    if findings:
        print(tabulate(findings, headers=Finding._fields, disable_numparse=True))
        print(f"\n{len(findings)} problems: the metrics are not those committed at {reference}")
        return False
    same = sum(
        run["settings"]["fingerprint"] == committed[name]["settings"]["fingerprint"] for name, run in fresh.items()
    )
    count = sum(len(run) - 1 for run in fresh.values())
    print(f"{count} metrics of {len(fresh)} runs are as committed at {reference}: {same} runs compared near-exactly")
    print(f"(same processor and library), {len(fresh) - same} by their bands.")
    return True


def committed_metrics(reference: str) -> dict[str, Any]:
    """Return `{run: metrics file}` as of a Git revision.

    Raises:
        UserError: this is no Git repository, there is no such revision, or it has no metrics.
    """
    paths = git("ls-tree", "--name-only", reference, "metrics/").splitlines()
    names = [path for path in paths if path.endswith(".json")]
    if not names:
        raise UserError(f"Git revision {reference} has no metrics/*.json: commit some, or name another --reference")
    return {Path(path).stem: parse(git("show", f"{reference}:{path}"), f"{reference}:{path}") for path in names}


def stale_stages() -> list[str]:
    """Return the stages whose results do not come from the present code, parameters and data.

    Raises:
        UserError: DVC cannot tell.
    """
    command = [sys.executable, "-m", "dvc", "status", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"`dvc status` failed: {last_line(done.stderr)}")
    return sorted(json.loads(done.stdout or "{}"))


def git(*arguments: str) -> str:
    """Return what Git prints.

    Raises:
        UserError: Git is not installed or refuses.
    """
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise UserError("verify compares with committed metrics and needs git, which is not installed") from error
    if done.returncode:
        raise UserError(f"`git {' '.join(arguments)}` failed: {last_line(done.stderr)}")
    return done.stdout


def parse(text: str, where: str) -> Any:
    """Return the content of a metrics file.

    Raises:
        UserError: it is not JSON.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise UserError(f"{where}: not a metrics file: {error}") from error


def last_line(text: str) -> str:
    """Return the last line that is not empty."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no message")
