"""A second clone gets every model from a remote, a folder or S3, and trains nothing."""

import re
import shutil

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.conftest import yaml
from tests.small_repository import shell

RUN = re.compile(r"Running stage '(.+)'")
KEYS = " && ".join(  # of this clone alone: not in Git
    f"dvc remote modify --local bucket {name} {value}"
    for name, value in (("access_key_id", "key"), ("secret_access_key", "secret"))
)


@pytest.fixture(scope="module")
def origin(built_once, tmp_path_factory):
    """The small pipeline, built and committed; tests only push from it."""
    return shutil.copytree(built_once, tmp_path_factory.mktemp("origin"), dirs_exist_ok=True)


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


def push(origin, add_remote):
    """Name the remote in a commit of the repository and push to it."""
    shell(origin, f"{add_remote} && git commit -q -m remote .dvc/config && dvc push")


def clone(origin, folder):
    shell(origin, f"git clone -q . '{folder}'")
    assert not (folder / "data/models").exists() and not (folder / ".dvc/cache").exists()
    return folder


def test_a_folder_brings_every_model_to_a_second_clone(origin, tmp_path):
    push(origin, f"dvc remote add -f -d store '{tmp_path}/store'")
    second = clone(origin, tmp_path / "second")
    shell(second, "dvc pull")
    for model in origin.glob("data/models/*/*"):
        assert (second / model.relative_to(origin)).read_bytes() == model.read_bytes()
    assert not RUN.findall(shell(second, "dvc repro --pull --allow-missing"))
    assert "up to date" in shell(second, "python -m stages repro")
    assert shell(second, "git status --porcelain") == ""


def test_s3_brings_every_model_to_a_second_clone(origin, tmp_path, s3):
    push(origin, f"dvc remote add -f -d bucket s3://models/dvc && dvc remote modify bucket endpointurl {s3} && {KEYS}")
    second = clone(origin, tmp_path / "second")
    shell(second, f"{KEYS} && dvc pull")
    assert len(list(second.glob("data/models/*/*.safetensors"))) == 4  # two rows, two seeds
    assert not RUN.findall(shell(second, "dvc repro --pull --allow-missing"))


def test_a_changed_row_pulls_only_what_it_needs(origin, tmp_path):
    push(origin, f"dvc remote add -f -d store '{tmp_path}/store'")
    second = clone(origin, tmp_path / "second")
    assert not RUN.findall(shell(second, "dvc repro --pull --allow-missing"))
    assert not (second / ".dvc/cache").exists()  # nothing changed, nothing pulled
    params = yaml.load(second / "params.yaml")
    params["runs"]["regression_fast"]["args"]["learning_rate"] = 0.2
    yaml.dump(params, second / "params.yaml")
    shell(second, "dvc pull generate evaluate")  # what the report reads of all rows
    ran = RUN.findall(shell(second, "dvc repro --pull --allow-missing"))
    assert ran == ["check", "train@regression_fast", "evaluate@regression_fast", "report"]
    assert [path.name for path in second.glob("data/models/*")] == ["regression_fast"]
    shell(second, "dvc push && dvc pull && python -m stages repro")


def test_an_empty_folder_and_a_missing_bucket_are_errors(origin, tmp_path, s3):
    shell(origin, f"dvc remote add -f -d store '{tmp_path}/store' && git commit -qm remote .dvc/config")
    second = clone(origin, tmp_path / "second")
    printed = shell(second, "dvc pull", status=1)
    assert "do not exist neither locally nor on remote" in printed and "data/models/regression_slow" in printed
    shell(second, f"dvc remote add -f -d bucket s3://gone/dvc && dvc remote modify bucket endpointurl {s3} && {KEYS}")
    assert "The specified bucket does not exist" in shell(second, "dvc pull", status=255)
