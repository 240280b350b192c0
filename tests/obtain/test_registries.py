"""Registries are asked by their own clients; here the clients are stand-ins that note how they were called."""

import pytest

from stages.obtain.catalog import DebianSource, NpmSource, PypiSource, Wheel
from stages.obtain.registries import ClientError, get_debian, get_npm, get_pypi

DEBIAN = DebianSource(kind="debian", package="demo-data")
NPM = NpmSource(kind="npm", package="demo", version="1.2.3")
SDIST = PypiSource(kind="pypi", package="demo", version="1.2.3")
WHEEL = SDIST.model_copy(update={"wheel": Wheel(python_version="3.11", platform="manylinux2014_x86_64")})


class Clients:
    def __init__(self, folder, monkeypatch):
        self.folder, self.monkeypatch, self.log = folder, monkeypatch, folder / "calls"
        self.out = folder / "out with space"
        self.out.mkdir()
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def install(self, name, script):
        """Put an executable `name` first on the path; it notes its arguments and then does what `script` says."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\necho \"$@\" >> '{self.log}'\n{script}\n")
        path.chmod(0o755)

    def install_pip(self, script):
        """Put a module `pip` before the real one."""
        package = self.folder / "modules/pip"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
        note = f"import pathlib, sys\n\npathlib.Path({str(self.log)!r}).write_text(' '.join(sys.argv[1:]) + chr(10))\n"
        (package / "__main__.py").write_text(note + script)
        self.monkeypatch.setenv("PYTHONPATH", str(self.folder / "modules"))

    @property
    def calls(self):
        return self.log.read_text().splitlines()


@pytest.fixture
def clients(tmp_path, monkeypatch):
    return Clients(tmp_path, monkeypatch)


def test_apt_uses_the_lists_of_the_system(clients):
    """Nothing is loaded that is there already; without the sandbox user, because only root could change to it."""
    clients.install("apt-get", "touch demo-data_1_all.deb")
    assert get_debian(DEBIAN, clients.out) == clients.out / "demo-data_1_all.deb"
    assert clients.calls == ["-q -o APT::Sandbox::User=root download demo-data"]


def test_apt_loads_its_own_lists_where_there_are_none(clients):
    """Containers have no lists and users may not write them: the state is kept in the folder, for any user."""
    script = (
        'case "$*" in\n'
        "*Dir::State=*update) touch updated ;;\n"
        "*Dir::State=*download*) test -e updated && touch demo-data_1_all.deb ;;\n"
        "*) echo 'E: Unable to locate package demo-data' >&2; exit 100 ;;\nesac"
    )
    clients.install("apt-get", script)
    assert get_debian(DEBIAN, clients.out).name == "demo-data_1_all.deb"
    own = f"-o Dir::State={clients.out}/state -o Dir::State::Lists={clients.out}/state/lists"
    assert len(clients.calls) == 3
    assert all(own in call and f"-o Dir::Cache={clients.out}/cache" in call for call in clients.calls[1:])


def test_apt_finds_the_package_though_an_address_of_the_user_is_down(clients):
    """`apt-get update` fails as a whole when one of many addresses does."""
    script = (
        'case "$*" in\n*update) exit 100 ;;\n*Dir::State=*download*) touch demo-data_1_all.deb ;;\n*) exit 100 ;;\nesac'
    )
    clients.install("apt-get", script)
    assert get_debian(DEBIAN, clients.out).name == "demo-data_1_all.deb"


def test_apt_without_network_says_so(clients):
    """Without the second reason the message would blame the package."""
    script = (
        'case "$*" in\n'
        "*update) echo 'E: Failed to fetch X  Could not resolve' >&2; echo 'E: Some index files failed' >&2 ;;\n"
        "*) echo 'E: Unable to locate package demo-data' >&2 ;;\nesac\nexit 100"
    )
    clients.install("apt-get", script)
    with pytest.raises(ClientError) as caught:
        get_debian(DEBIAN, clients.out)
    assert str(caught.value) == (
        "E: Unable to locate package demo-data; own package lists: E: Failed to fetch X  Could not resolve"
    )


def test_pip_asks_for_the_same_wheel_on_every_machine(clients):
    """Its own platform would give each machine another file."""
    clients.install_pip("pathlib.Path('demo-1.2.3-cp311.whl').touch()")
    assert get_pypi(WHEEL, clients.out).name == "demo-1.2.3-cp311.whl"
    start = f"download --no-deps --quiet --disable-pip-version-check --dest {clients.out}"
    wheel = "--only-binary=:all: --implementation cp --python-version 3.11 --platform manylinux2014_x86_64"
    assert clients.calls == [f"{start} {wheel} demo==1.2.3"]


def test_pip_gets_a_source_archive(clients):
    """Some data come with the source only."""
    clients.install_pip("pathlib.Path('demo-1.2.3.tar.gz').touch()")
    assert get_pypi(SDIST, clients.out).name == "demo-1.2.3.tar.gz"
    assert clients.calls[0].endswith("--no-binary=:all: demo==1.2.3")


def test_the_last_line_of_pip_is_the_reason(clients):
    """The lines before it are warnings; of these only a broken connection is worth a word."""
    clients.install_pip("sys.exit('WARNING: something\\nERROR: No matching distribution found for demo==1.2.3')")
    with pytest.raises(ClientError, match=r"^ERROR: No matching distribution found for demo==1.2.3$"):
        get_pypi(WHEEL, clients.out)
    clients.install_pip("sys.exit('WARNING: Retrying after connection broken by X\\nERROR: No matching distribution')")
    with pytest.raises(ClientError, match=r"^no connection to the package index; ERROR: No matching distribution$"):
        get_pypi(WHEEL, clients.out)


def test_npm_packs_without_running_scripts(clients):
    """A package is data here: nothing of it is run."""
    clients.install("npm", "touch demo-1.2.3.tgz")
    assert get_npm(NPM, clients.out).name == "demo-1.2.3.tgz"
    (call,) = clients.calls
    assert call.startswith("pack --ignore-scripts ")
    assert call.endswith(f"--pack-destination {clients.out} demo@1.2.3")


def test_the_message_of_npm_is_the_reason(clients):
    """It comes after an error code and before advice and the name of a log file."""
    clients.install(
        "npm",
        "echo 'npm error code ETARGET' >&2\n"
        "echo 'npm error notarget No matching version found for demo@1.2.3.' >&2\n"
        "echo 'npm error A complete log of this run can be found in: x.log' >&2\n"
        "exit 1",
    )
    with pytest.raises(ClientError, match=r"^npm error notarget No matching version found for demo@1.2.3.$"):
        get_npm(NPM, clients.out)


def test_a_client_that_says_nothing_is_named(clients):
    """Killed for memory, for example."""
    clients.install("npm", "exit 7")
    with pytest.raises(ClientError, match=r"^npm ended with exit status 7$"):
        get_npm(NPM, clients.out)


def test_a_client_that_leaves_no_file_is_noticed(clients):
    """Status 0 does not mean that there is a file."""
    clients.install("npm", "exit 0")
    with pytest.raises(ClientError, match="left 0 files"):
        get_npm(NPM, clients.out)


def test_a_missing_client_is_named(clients, monkeypatch):
    """Not every machine has Debian's or Node's client; the next source is tried then."""
    monkeypatch.setenv("PATH", str(clients.folder))
    with pytest.raises(ClientError, match=r"^npm is not installed$"):
        get_npm(NPM, clients.out)
    with pytest.raises(ClientError, match=r"^apt-get is not installed$"):
        get_debian(DEBIAN, clients.out)


def test_without_a_pip_module_the_command_is_used(clients, monkeypatch):
    """An environment made by uv has no pip of its own."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    clients.install("pip", "touch demo-1.2.3.tar.gz")
    assert get_pypi(SDIST, clients.out).name == "demo-1.2.3.tar.gz"
