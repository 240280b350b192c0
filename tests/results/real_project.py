"""The repository's own parameters with a mistake in one family."""

from collections.abc import Callable

import pytest

from stages.core.errors import UserError
from stages.core.run import FamilyParams, load_family
from stages.results import project
from tests.conftest import ROOT


def refusal(family: str, edit: Callable[[FamilyParams], object]) -> str:
    """Return what the check of all parameters says, once `edit` has changed those of a family."""

    def load(name: str) -> FamilyParams:
        params = load_family(name)
        if name == family:
            edit(params)
        return params

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(project, "load_family", load)
        with pytest.raises(UserError) as caught:
            project.load_project()
    return str(caught.value)
