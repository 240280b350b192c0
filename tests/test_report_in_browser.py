"""The pages in a real browser: quiet console, every picture there, every link leads somewhere, readable on a phone."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from stages import report
from tests.chromium import CHROMIUM, PAPER, PHONE, Chromium, Page, chromium
from tests.conftest import ROOT
from tests.test_report import evaluated

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine; Debian's package is `chromium`")


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


def problems(browser: Chromium, paths: list[Path]) -> list[str]:
    """Return what is wrong with some pages, a line each; links between them must hit an id."""
    opened = {path.resolve(): browser.open(path, PHONE) for path in paths}
    found = []
    for path, page in opened.items():
        width = browser.open(path, PAPER, media="print").width
        if width > PAPER:
            found.append(f"{path.name}: {width} px wide in print")
        if page.width > PHONE:
            found.append(f"{path.name}: {page.width} px wide on a phone")
        found += [f"{path.name}: console: {error}" for error in page.errors]
        found += [f"{path.name}: no picture: {address}" for address in page.missing]
        found += [f"{path.name}: asks for {url}" for url in page.requests if not url.startswith(("file:", "data:"))]
        found += [f"{path.name}: id twice: {name}" for name in {name for name in page.ids if page.ids.count(name) > 1}]
        found += [f"{path.name}: dead link: {link}" for link in page.links if not _leads_somewhere(link, opened)]
    return found


def _leads_somewhere(link: str, opened: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme in ("http", "https"):
        return bool(parts.netloc)  # others' pages: there is no network here
    target = Path(unquote(parts.path))
    if parts.scheme != "file" or not target.is_file():
        return False
    return not parts.fragment or (target in opened and unquote(parts.fragment) in opened[target].ids)


def pages(reports: Path) -> list[Path]:
    return [reports / "index.html", *sorted(reports.glob("documents/*.html"))]


def test_the_pages_of_the_committed_results(browser, tmp_path, monkeypatch):
    """They are no part of Git, but made of it alone."""
    for name in ("stages", "metrics", "params.yaml", "data/catalog.yaml", "reports/curves", "reports/figures"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    report.report()
    paths = pages(tmp_path / "reports")
    assert len(paths) == 6
    assert problems(browser, paths) == []
    assert browser.open(paths[0], PHONE).images > 10


def test_the_pages_of_a_small_family(browser, workspace):
    evaluated(workspace)
    report.report()
    assert problems(browser, pages(Path("reports"))) == []


FAULTS = {
    "<img src='absent.png'>": "no picture: absent.png",
    "<img src='data:image/png;base64,iVBORw0K'>": "no picture: data:",
    "<img src='http://127.0.0.1:9/x.png'>": "asks for http://127.0.0.1:9/x.png",
    "<a href='#nowhere'>x</a>": "dead link",
    "<a href='gone.html'>x</a>": "gone.html",
    "<a href='other.html#nowhere'>x</a>": "other.html#nowhere",
    "<a href='javascript:void(0)'>x</a>": "dead link: javascript",
    "<p id='a'><p id='a'>": "id twice: a",
    "<script>console.error('oh', 'no')</script>": "console: oh no",
    "<script>undefined.x</script>": "console: Uncaught",
    "<div style='width: 400px'>x</div>": "400 px wide on a phone",
    "<style>@media print { p { width: 900px } }</style><p>x</p>": "900 px wide in print",
}


def test_the_check_finds_each_fault(browser, tmp_path):
    page, other = tmp_path / "page.html", tmp_path / "other.html"
    start = "<!DOCTYPE html><meta name='viewport' content='width=device-width'><body style='margin: 0'>"
    other.write_text(f"{start}<p id='there'>")
    page.write_text(f"{start}<a id='here' href='#here'>x</a><a href='other.html#there'>x</a>")
    assert problems(browser, [page, other]) == []
    for fault, expected in FAULTS.items():
        page.write_text(f"{start}{fault}")
        found = problems(browser, [page, other])
        assert any(expected in line for line in found), f"{fault}: {found}"
