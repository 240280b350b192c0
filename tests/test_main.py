"""The command line itself: what is wrong with a file is one line, whichever command reads it."""

import pytest


@pytest.mark.parametrize("name", ["params.yaml", "data/catalog.yaml"])
def test_a_folder_in_place_of_a_file_is_one_line(run_stages, workspace, name):
    (workspace / name).unlink()
    (workspace / name).mkdir()
    done = run_stages("check")
    assert (done.returncode, done.stderr) == (1, f"error: {name}: Is a directory\n")
