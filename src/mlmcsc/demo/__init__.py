"""The demonstration: drawn Charpy fractures, pretend technicians, a real small model, a report.

Its modules import OpenCV, scikit-learn and Altair as they load, so whoever wants them imports them
late; this one imports nothing heavy.
"""

from importlib.util import find_spec

from mlmcsc.errors import UnsupportedError

EXTRA = ("sklearn", "altair", "vl_convert", "jinja2")


def require_extra() -> None:
    """Check that the packages of the extra `demo` are there.

    Raises:
        UnsupportedError: one is missing; the message names it and the command that installs it.
    """
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise UnsupportedError(
            f"the demo needs {', '.join(missing)}; install with: pip install 'mlmcsc[demo]'"
        )
