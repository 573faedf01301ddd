import subprocess
import sys

import pytest

from mlmcsc import demo
from mlmcsc.errors import UnsupportedError


def test_importing_the_package_loads_nothing_heavy():
    heavy = "{'cv2', 'altair', 'sklearn', 'tifffile', 'jinja2', 'vl_convert'}"
    code = f"import sys, mlmcsc.demo; print({heavy} & set(sys.modules))"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_the_extra_is_found_where_it_is_installed():
    demo.require_extra()


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(demo, "EXTRA", ("jinja2", "no_such_package"))

    with pytest.raises(UnsupportedError, match=r"needs no_such_package; .* 'mlmcsc\[demo\]'"):
        demo.require_extra()
