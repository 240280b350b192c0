"""Reading a text file of others, with its problems in one line."""

from pathlib import Path

from stages.core.errors import UserError


def decoded(path: Path, encoding: str = "utf-8") -> str:
    """Return the content of a text file.

    Raises:
        UserError: it cannot be read, or a byte is not of the encoding; the message names file, line and byte.
    """
    try:
        return path.read_text(encoding=encoding)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        raise UserError(
            f"{path}, line {line}: byte 0x{byte:02x} is not {encoding.upper()}; convert the file"
        ) from error
