"""A run of params.yaml is independent of the others."""

from tests.conftest import write_params


def test_a_new_row_trains_only_itself(built, params, dvc):
    """One entry in params.yaml, and the others are neither trained nor evaluated again."""
    old = (built / "metrics/regression_slow.json").stat().st_mtime_ns
    params["runs"]["regression_new"] = params["runs"]["regression_slow"] | {"label": "new"}
    write_params(built, params)
    done = dvc("repro")
    assert done.returncode == 0, done.stderr
    started = [line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage")]
    assert started == ["check", "train@regression_new", "evaluate@regression_new", "report"]
    assert (built / "metrics/regression_slow.json").stat().st_mtime_ns == old
    assert "new" in (built / "reports/tables/line.md").read_text()

    third = dvc("repro")
    assert "Running stage" not in third.stdout
