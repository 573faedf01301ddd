"""The program: three ways to start it, fast help, honest exit codes."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlmcsc import DatabaseManager

BESIDE_PYTHON = Path(sys.executable).with_name("mlmcsc")
HEAVY = ("sqlalchemy", "numpy", "pandas", "pydantic", "rich", "structlog", "orjson")


@pytest.mark.parametrize(
    "start", [("-m", "mlmcsc"), ("-m", "src.database.cli"), (str(BESIDE_PYTHON),)]
)
def test_all_three_ways_start_the_same_program(program, start):
    assert program("database", "init", start=start).code == 0
    status = program("database", "status", "--json", start=start)
    assert (status.code, status.json["status"]) == (0, "healthy")


def test_the_documented_quality_commands_run_as_printed(program, sqlite_url, draw):
    with DatabaseManager(sqlite_url) as db:
        image = db.store_image(draw("a.png", size=(640, 480)))
    facade = ("-m", "src.database.cli")
    words = ("quality", "update-scores", "--threshold", "0.7")
    scored = program(*words, start=facade, url=sqlite_url)
    assert (scored.code, scored.err) == (0, "")
    checked = program("quality", "check", "--json", start=facade, url=sqlite_url)
    assert checked.code in {0, 1}  # 1: it found something
    assert checked.json["average_quality_score"] is not None
    with DatabaseManager(sqlite_url) as db:
        assert db.check_data_quality().ok == (checked.code == 0)
        assert db.get_image(image).quality_score == checked.json["average_quality_score"]


@pytest.mark.parametrize("module", ["mlmcsc.cli.app", "src.database"])
def test_the_program_loads_nothing_heavy_before_it_is_needed(module):
    code = f"import sys, {module}; print(*[m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_help_answers_fast(program):
    program("--help")  # compiles
    before = _processor_seconds()
    assert program("--help").code == 0
    assert _processor_seconds() - before < 0.3


def _processor_seconds():
    """Of ended child processes: unlike a clock, it does not run faster on a busy machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_version_is_told(cli):
    assert cli("--version").out == "mlmcsc, version 0.1.0\n"


def test_a_reader_that_leaves_is_not_an_error(program, sqlite_url):
    process = subprocess.Popen(
        [sys.executable, "-m", "mlmcsc", "--database", sqlite_url, "config", "generate", "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    _, error = process.communicate(timeout=60)
    assert error == b""
    assert process.returncode == 141


def test_an_interrupted_ingest_says_how_to_go_on(program, tmp_path, draw, sqlite_url):
    first = draw("many/0.png").read_bytes()
    for number in range(800):  # PNG readers stop at its end: each file has its own content
        (tmp_path / "many" / f"{number}.png").write_bytes(first + b"%d" % number)
    process = subprocess.Popen(
        [sys.executable, "-m", "mlmcsc", "--database", sqlite_url, "images", "ingest", "many"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with DatabaseManager(sqlite_url) as db:
        while not db.get_images(limit=1) and process.poll() is None:
            time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does: workers get it too
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.decode().strip() == "interrupted; run the same command again to go on"
    assert out == b""
    again = program("--json", "images", "ingest", tmp_path / "many", url=sqlite_url)
    assert again.code == 0
    assert again.json["unchanged"] > 0
    assert again.json["stored"] + again.json["unchanged"] == 800


def test_a_users_mistake_is_one_message_without_traceback(cli):
    for words in (["nonsense"], ["images", "lits"], ["images", "show", "one"], ["images"]):
        ran = cli(*words)
        assert ran.code == 2
        assert "Traceback" not in ran.err
    assert "did you mean" in cli("images", "lits").err.lower()


def test_the_classes_of_errors_have_their_exit_codes(mlmcsc, cli):
    assert mlmcsc("images", "show", 99).code == 1
    assert mlmcsc("images", "add", "absent.png").code == 2
    assert cli("--database", "sqlite:////proc/none/x.db", "images", "list").code == 3


def test_an_unexpected_error_is_one_line_that_says_how_to_learn_more(cli, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr("mlmcsc.config.load_config", broken)
    ran = cli("config", "show")
    assert ran.code == 3
    assert ran.err == (
        "Internal error: RuntimeError: a bug; add --debug to see where, and report it\n"
    )
    assert "Traceback" in cli("--debug", "config", "show").err
    assert "Traceback" in cli("config", "show", "--debug").err


def test_debug_shows_where_a_known_error_came_from_too(mlmcsc):
    assert "Traceback" not in mlmcsc("images", "show", 99).err
    assert "Traceback" in mlmcsc("images", "show", 99, "--debug").err


def test_global_options_may_stand_anywhere(cli, sqlite_url):
    first = cli("--json", "--database", sqlite_url, "images", "list")
    last = cli("images", "list", "--database", sqlite_url, "--json")
    assert first.json == last.json == {"items": [], "next_after_id": None}


def test_a_new_database_is_remarked_unless_it_was_asked_for(cli):
    assert "was created" in cli("--database", "sqlite:///new.db", "specimens", "set", "S1").err
    assert "was created" not in cli("--database", "sqlite:///other.db", "database", "init").err


NEVER = ("pyarrow", "cv2", "cryptography", "structlog", "filelock", "mlmcsc.store.adoption.adopt")
READERS = ("mlmcsc.adapters.image_containers", "mlmcsc.adapters.thumbnails", "PIL")


@pytest.mark.parametrize(
    ("words", "unused"),
    [
        (
            ("version", "list"),
            (
                *(*NEVER, *READERS, "mlmcsc.services.privacy.erasure", "mlmcsc.services.images"),
                *("mlmcsc.services.dataset_exports", "mlmcsc.services.archives"),
            ),
        ),
        (("images", "list"), (*NEVER, *READERS, "mlmcsc.services.images.ingest")),
    ],
)
def test_a_command_loads_the_services_that_it_uses_and_no_others(sqlite_url, words, unused):
    DatabaseManager(sqlite_url).close()
    code = (
        "import sys; from mlmcsc.cli import main; code = main(sys.argv[1:]);"
        f"print('loaded:', *[m for m in {unused} if m in sys.modules]); sys.exit(code)"
    )
    command = [sys.executable, "-c", code, "--database", sqlite_url, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded:"
