"""Reading YAML into typed objects, with errors of one line that a user can act on."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.core.errors import UserError

T = TypeVar("T")


class Strict(BaseModel):
    """A record that refuses unknown keys and does not convert types (an integer may stand for a float)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _name_the_allowed_keys(cls, value: Any) -> Any:
        unknown = [key for key in value if key not in cls.model_fields] if isinstance(value, dict) else []
        if unknown:
            message = "unknown key '{key}'; allowed: {allowed}"
            fields = {"key": str(unknown[0]), "allowed": ", ".join(sorted(cls.model_fields))}
            raise PydanticCustomError("unknown_key", message, fields)
        return value


def distinct(values: list[Any]) -> list[Any]:
    """Return `values`; for pydantic's AfterValidator."""
    if len(set(values)) < len(values):
        raise ValueError("entries must differ from each other")
    return values


def read_yaml(path: Path) -> Any:
    """Read a YAML 1.2 file (1e-3 is a number there, unlike in YAML 1.1).

    Raises:
        UserError: the file is missing, is not YAML, or repeats a key.
    """
    try:
        return YAML(typ="safe").load(path)  # libyaml's parser: a tenth of the time of the one in Python
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; run the command in the root of the repository") from error
    except YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error


def validate(type_: type[T] | Any, value: Any, where: str) -> T:
    """Return `value` as `type_`; `where` begins the message: `file:`, or `file: key` of a value in it.

    Raises:
        UserError: one line with the key, its value and what is allowed.
    """
    try:
        return TypeAdapter(type_).validate_python(value)
    except ValidationError as error:
        raise UserError(describe(error, where)) from error


def describe(error: ValidationError, where: str) -> str:
    """Say the first problem of `error` in one line: key, value, what is allowed."""
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    path = f"{where}{' ' if where.endswith(':') else '.'}{key}" if key else where.removesuffix(":")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] in ("unknown_key", "missing"):
        return f"{path}: {first['msg']}{more}"
    value = repr(first["input"])
    shown = value if len(value) <= 60 else value[:57] + "..."
    return f"{path} = {shown}: {first['msg']}{more}"
