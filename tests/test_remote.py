"""A second clone gets every model from a remote, a folder or S3, and trains nothing."""

import re
import shutil

import boto3
import pytest
from moto.server import ThreadedMotoServer

from stages.rebuild.workspace import read_pipeline
from tests.conftest import LINE, edited, in_workspace
from tests.small_repository import shell

RUN = re.compile(r"Running stage '(.+)'")
KEYS = "export AWS_ACCESS_KEY_ID=key AWS_SECRET_ACCESS_KEY=secret"


@pytest.fixture(scope="module")
def origin(built_once, tmp_path_factory):
    """The small pipeline, built, committed and pushed to a folder; tests only push from it."""
    folder, store = tmp_path_factory.mktemp("origin"), tmp_path_factory.mktemp("store")
    shutil.copytree(built_once, folder, symlinks=True, dirs_exist_ok=True)
    shell(folder, f"dvc remote add -d store '{store}' && git commit -q -m remote .dvc/config && dvc push")
    return folder


@pytest.fixture(scope="module")
def s3():
    """Return the address of a local S3 server with the bucket `models`."""
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=address, **keys).create_bucket(Bucket="models")
    yield address
    server.stop()


@pytest.fixture
def second(origin, tmp_path):
    """A clone, which has the code and the metrics but neither data nor models."""
    shell(origin, f"git clone -q . '{tmp_path}/second'")
    folder = tmp_path / "second"
    assert not (folder / "data/models").exists() and not (folder / ".dvc/cache").exists()
    return folder


def test_a_folder_brings_every_model_to_a_second_clone(origin, second):
    shell(second, "dvc pull")
    for model in origin.glob("data/models/line/*/*"):
        assert (second / model.relative_to(origin)).read_bytes() == model.read_bytes()
    assert not RUN.findall(shell(second, "dvc repro --pull --allow-missing"))
    with in_workspace(second):
        assert read_pipeline().stale == set()
    assert shell(second, "git status --porcelain") == ""


def test_s3_brings_every_model_to_a_second_clone(origin, second, s3):
    shell(origin, f"dvc remote add bucket s3://models/dvc && dvc remote modify bucket endpointurl {s3}")
    shell(origin, f"{KEYS}; dvc push -r bucket")
    shutil.copy(origin / ".dvc/config", second / ".dvc/config")
    shell(second, f"{KEYS}; dvc pull -r bucket")
    assert len(list(second.glob("data/models/line/*/*.safetensors"))) == 4  # two rows, two seeds
    with in_workspace(second):
        assert read_pipeline().stale == set()


def test_a_changed_row_pulls_only_what_it_needs(second):
    assert not RUN.findall(shell(second, "dvc repro --pull --allow-missing"))
    assert not (second / ".dvc/cache").exists()  # nothing changed, nothing pulled
    with edited(second / LINE / "params.yaml") as params:
        params["runs"]["fast"]["args"]["learning_rate"] = 0.2
    ran = RUN.findall(shell(second, "dvc repro --pull --allow-missing"))
    family = [f"{LINE}/dvc.yaml:{stage}" for stage in ("train@fast", "evaluate@fast", "figures")]
    assert ran == [*family, "report"]
    assert [path.name for path in second.glob("data/models/line/*")] == ["fast"]
    shell(second, "dvc push && dvc pull")
    with in_workspace(second):
        assert read_pipeline().stale == set()


def test_an_empty_folder_and_a_missing_bucket_are_errors(second, tmp_path, s3):
    (second / ".dvc/config.local").write_text(
        f"['remote \"empty\"']\n    url = {tmp_path}/empty\n"
        f"['remote \"bucket\"']\n    url = s3://gone/dvc\n    endpointurl = {s3}\n"
    )
    printed = shell(second, "dvc pull -r empty", status=1)
    assert "do not exist neither locally nor on remote" in printed and "data/models/line/slow" in printed
    assert "The specified bucket does not exist" in shell(second, f"{KEYS}; dvc pull -r bucket", status=255)
