"""Downloading one file over HTTP: requests does the talking, urllib3 the retries, tqdm the progress bar."""

import shutil
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from tqdm import tqdm
from urllib3 import Retry
from urllib3.exceptions import HTTPError

TIMEOUT_SECONDS = (10, 30)  # to connect, and between two pieces of an answer
ATTEMPTS = 4  # at a transfer that breaks off half way
BACKOFF_SECONDS = 0.5

_PARTIAL_CONTENT = 206
_RANGE_NOT_SATISFIABLE = 416


class DownloadError(Exception):
    """An address did not give its file; the message is one line that says why."""


def download(url: str, path: Path) -> None:
    """Download `url` to `path`, going on where a partial file at `path` ends.

    A transfer that breaks off is resumed and a server error is tried again a few times; a name that cannot be resolved
    or a refused connection is not. What was received stays at `path`, for the next call.

    Raises:
        DownloadError: there is no connection, the server refuses, or the transfer broke off too often.
    """
    # A server's Retry-After may be an hour: trying the next source is better.
    retry = Retry(
        total=ATTEMPTS - 1,
        connect=0,
        status_forcelist=(429, 500, 502, 503, 504),
        backoff_factor=BACKOFF_SECONDS,
        respect_retry_after_header=False,
        raise_on_status=False,
    )
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=retry))
        session.mount("https://", HTTPAdapter(max_retries=retry))
        for attempt in range(ATTEMPTS):
            try:
                return _receive_rest(session, url, path)
            except HTTPError as error:  # while reading: the transfer broke off
                if attempt == ATTEMPTS - 1:
                    raise DownloadError(f"the transfer of {path.name} broke off {ATTEMPTS} times: {error}") from error
            except requests.HTTPError as error:
                answer = error.response
                raise DownloadError(
                    f"the server answers {answer.status_code} {answer.reason} for {path.name}"
                ) from error
            except requests.RequestException as error:
                raise DownloadError(f"no connection: {_cause(error)}") from error


def _receive_rest(session: requests.Session, url: str, path: Path) -> None:
    have = path.stat().st_size if path.exists() else 0
    headers = {"Accept-Encoding": "identity"}  # a range is one of the file as it is stored
    if have:
        headers["Range"] = f"bytes={have}-"
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
        if response.status_code == _RANGE_NOT_SATISFIABLE and have:
            return  # nothing is left to receive; the checksum tells whether the file is right
        response.raise_for_status()
        resumed = response.status_code == _PARTIAL_CONTENT
        start = have if resumed else 0
        length = response.headers.get("Content-Length")
        path.parent.mkdir(parents=True, exist_ok=True)
        # disable=None: a bar on a terminal, silence in a log.
        bar = tqdm.wrapattr(
            response.raw,
            "read",
            total=start + int(length) if length else None,
            initial=start,
            desc=path.name,
            disable=None,
        )
        # raw and not iter_content, which would decompress what a server labels with Content-Encoding: gzip.
        with bar as content, path.open("ab" if resumed else "wb") as output:
            shutil.copyfileobj(content, output)


def _cause(error: requests.RequestException) -> str:
    inner = error.args[0] if error.args else error
    reason = getattr(inner, "reason", inner)  # urllib3 wraps the cause in "Max retries exceeded with url"
    reason = getattr(reason, "original_error", reason)  # and what a proxy did wrong once more
    return str(reason).split("): ", 1)[-1]
