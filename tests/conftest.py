"""What all tests share: a seed, and two switches.

TINYLLM_REFERENCE=1 runs everything on the kernels' NumPy definitions; TINYLLM_NO_SKIPS=1 makes a
skipped test a failure, for a machine where everything is installed.
"""

import os
import signal

import pytest
from counts import say_what_graders_were_held_to, say_which_gradients_were_checked

import tinyllm

ON_DEFINITIONS = os.environ.get("TINYLLM_REFERENCE", "") not in ("", "0")


def pytest_addoption(parser):
    parser.addoption(
        "--reference-kernels",
        action="store_true",
        default=ON_DEFINITIONS,
        help="run every test on the kernels' NumPy definitions (as TINYLLM_REFERENCE=1 does)",
    )


def pytest_sessionfinish(session, exitstatus):
    """Fail a run that skipped something, where nothing should be skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and exitstatus == 0 and os.environ.get("TINYLLM_NO_SKIPS", "") not in ("", "0"):
        reporter.write_line(f"\nTINYLLM_NO_SKIPS: {len(skipped)} tests were skipped", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    """Here, and not in the folders' own: what shares tests out (-n 2) loads no others."""
    say_what_graders_were_held_to(terminalreporter)
    asked_for_ops = any("ops" in str(each) for each in config.invocation_params.args)
    say_which_gradients_were_checked(terminalreporter, whole_table=asked_for_ops)


def pytest_report_header(config):
    bodies = "NumPy definitions" if config.getoption("--reference-kernels") else "compiled"
    return f"tinyllm kernels: {bodies}, threads: {tinyllm.get_num_threads()}"


@pytest.fixture(scope="session", autouse=True)
def _kernel_bodies(request):
    """Hold the whole run on the definitions, if that was asked for."""
    if request.config.getoption("--reference-kernels"):
        with tinyllm.reference_kernels():
            yield
    else:
        yield


@pytest.fixture(autouse=True)
def seed():
    """Start every test from the same random state, and give the number."""
    tinyllm.manual_seed(1234)
    return 1234


@pytest.fixture(autouse=True)
def _settings_put_back():
    """Put thread count, default dtype and recording back, whatever a test did to them."""
    threads, dtype = tinyllm.get_num_threads(), tinyllm.get_default_dtype()
    recording = tinyllm.is_grad_enabled()
    yield
    tinyllm.set_num_threads(threads)
    tinyllm.set_default_dtype(dtype)
    tinyllm.set_grad_enabled(recording)


@pytest.fixture(autouse=True)
def python_handles_ctrl_c():
    """A background job may have started Python with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
