"""A row is independent of the others."""

from pathlib import Path

from stages.rebuild.workspace import read_pipeline
from tests.conftest import LINE, edited
from tests.small_repository import rebuild


def test_a_new_row_trains_only_itself(built):
    """One entry among the runs and a label, and the others are neither trained nor evaluated again."""
    assert read_pipeline().stale == set()
    old = {path: path.stat().st_mtime_ns for path in Path().glob("metrics/line/*.json")}
    with edited(LINE / "params.yaml") as params, edited(LINE / "tables.yaml") as shown:
        params["runs"]["new"] = params["runs"]["slow"] | {"args": {"learning_rate": 0.05}}
        shown["rows"]["new"] = {"label": "a new one"}
        shown["tables"]["line"]["rows"].append("new")
    stages = [f"{LINE}/dvc.yaml:{name}" for name in ("train@new", "evaluate@new", "figures")]
    assert read_pipeline().stale == {*stages, "report"}

    rebuild("line/new")
    assert read_pipeline().stale == set()
    assert old == {path: path.stat().st_mtime_ns for path in old}
    assert "a new one" in Path("reports/tables/line/line.md").read_text()
