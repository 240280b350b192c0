"""Networks are tested on one thread, as they are trained: small ones would mostly wait for the second."""

import pytest

from stages.core.device import prepare_device


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    prepare_device("cpu")
