"""The house rules: light imports, small files, documented names, one way down."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "mlmcsc"
SOURCES = sorted(PACKAGE.rglob("*.py")) + sorted((ROOT / "src" / "database").rglob("*.py"))
MODULES = [path for path in SOURCES if "versions" not in path.parts]
"""All but Alembic's revisions, whose length is that of the schema."""

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 50


def names(paths):
    return [str(path.relative_to(ROOT / "src")) for path in paths]


def test_there_is_something_to_check():
    assert len(MODULES) > 50


def test_importing_the_package_loads_nothing_heavy():
    heavy = ["fastapi", "altair", "dask", "pandas", "cv2", "sqlalchemy"]
    program = f"import sys, mlmcsc; print(*[m for m in {heavy} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == []


def test_opening_a_database_loads_no_picture_or_table_library(sqlite_url):
    heavy = [
        "fastapi",
        "altair",
        "dask",
        "pandas",
        "cv2",
        "pyarrow",
        "tifffile",
        "sklearn",
        "alembic",
    ]
    program = (
        "import sys, mlmcsc; mlmcsc.DatabaseManager(sys.argv[1]).close();"
        f"print(*[m for m in {heavy} if m in sys.modules])"
    )
    command = [sys.executable, "-c", program, sqlite_url]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


@pytest.mark.parametrize("path", MODULES, ids=names(MODULES))
def test_a_file_is_short_and_so_are_its_functions(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MAX_FILE_LINES
    long = [
        f"{node.name}: {length}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, FUNCTION) and (length := code_lines(node)) > MAX_FUNCTION_LINES
    ]
    assert long == []


def code_lines(node):
    """Lines of a function without its docstring."""
    first = node.body[0]
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    told = first.end_lineno - first.lineno + 1 if is_text else 0
    return node.end_lineno - node.lineno + 1 - told


@pytest.mark.parametrize("path", MODULES, ids=names(MODULES))
def test_everything_public_is_documented(path):
    tree = ast.parse(path.read_text("utf-8"))
    assert list(undocumented(tree, path.stem)) == []
    assert ast.get_docstring(tree) or not tree.body


def undocumented(node, where):
    for child in node.body:
        if not isinstance(child, (*FUNCTION, ast.ClassDef)) or child.name.startswith("_"):
            continue
        overload = any(ast.unparse(d) == "overload" for d in child.decorator_list)
        if not ast.get_docstring(child) and not overload:
            yield f"{where}.{child.name}"
        if isinstance(child, ast.ClassDef):
            yield from undocumented(child, f"{where}.{child.name}")


def test_layers_are_kept():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
