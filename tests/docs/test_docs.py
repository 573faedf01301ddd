"""Every python and bash block of the README and the docs runs; every link leads somewhere."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIENT = runpy.run_path(str(Path(__file__).with_name("warm.py")))["CLIENT"]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
SETUP = re.compile(r"^(make|pip install|git clone)\b ?(\S*).*$", re.MULTILINE)
"""Lines that set the machine up: checked, not run."""


def name(page):
    return str(page.relative_to(ROOT))


def blocks(page):
    """The page's blocks, as (language, text, line)."""
    text = page.read_text(encoding="utf-8")
    return [(m[1], m[2], text.count("\n", 0, m.start()) + 2) for m in BLOCK.finditer(text)]


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """An empty folder and a clean environment, as somebody who follows the page has them."""
    for variable in [*os.environ]:
        if variable.startswith(("MLMCSC_", "XDG_")) or variable == "DATABASE_URL":
            monkeypatch.delenv(variable)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def warm_program(tmp_path_factory):
    """A folder with an `mlmcsc` that starts at once, see `warm.py`."""
    folder = tmp_path_factory.mktemp("warm")
    address = f"{folder}/socket"
    server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("warm.py"), address], stdout=subprocess.PIPE
    )
    with server:
        assert server.stdout.readline() == b"ready\n"
        client = folder / "bin" / "mlmcsc"
        client.parent.mkdir()
        client.write_text(CLIENT.format(python=sys.executable, address=address))
        client.chmod(0o755)
        yield client.parent
        server.kill()


def run_bash(text, where, environment):
    # What a block exports holds for the blocks after it, as in one terminal.
    kept = Path.home() / "environment"
    script = f'{SETUP.sub("", text)}\nenv -0 > "{kept}"'
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{where}:\n{done.stdout}\n{done.stderr}"
    return dict(pair.split("=", 1) for pair in kept.read_text().split("\0") if pair)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=name)
def test_a_reader_who_follows_the_page_meets_no_error(page, reader, request, monkeypatch, capsys):
    if page.name != "README.md":  # that runs the program as it is installed
        warm = request.getfixturevalue("warm_program")
        monkeypatch.setenv("PATH", str(warm), prepend=os.pathsep)
    namespace, environment = {"__name__": "__main__"}, dict(os.environ)
    for language, text, line in blocks(page):
        where = f"{name(page)}:{line}"
        if language == "python":
            exec(compile("\n" * (line - 1) + text, str(page), "exec"), namespace)  # noqa: S102
        else:
            environment = run_bash(text, where, environment)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    missing = [link for link in LINK.findall(text) if not (page.parent / link).exists()]

    assert missing == []


def test_make_targets_that_the_docs_name_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    named = {
        target
        for page in PAGES
        for language, text, _ in blocks(page)
        for command, target in SETUP.findall(text)
        if command == "make"
    }

    assert named >= {"demo", "test"}
    assert named <= targets


def test_every_page_is_reachable_from_the_readme():
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        todo += [(page.parent / link).resolve() for link in LINK.findall(page.read_text("utf-8"))]

    assert set(PAGES) <= reached


def test_the_docs_name_every_dependency():
    told = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    core = project.split("\ndependencies = [")[1].split("\n]")[0]
    names = re.findall(r'"([\w-]+)', core)

    assert len(names) > 15
    assert [one for one in names if one not in told] == []
