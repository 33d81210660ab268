"""The house stands: imports point down, heavy libraries stay in their rooms, files stay small."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tinyllm

PACKAGE = Path(tinyllm.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
IDS = [path.relative_to(PACKAGE).as_posix() for path in FILES]

# A room may import from floors below its own. "tinyllm" is the package's own __init__.py.
FLOORS = [
    {"kernels", "files", "lines", "defaults", "grad_mode", "anomaly"},
    {"ops", "text", "metrics"},
    {"tape"},
    {"backward", "display"},
    {"tensor"},
    {"random", "bridges"},
    {"functions"},
    {"linalg"},
    {"tinyllm"},
    {"nn"},
    {"optim", "data", "utils", "viz", "gradcheck"},
    {"autograd"},
    {"testing"},
    {"models"},
    {"generation", "hub"},
    {"training"},
    {"tasks"},
    {"bench", "course"},
    {"cli"},
    {"__main__"},
]
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}

# Libraries and the only rooms that may import them ("" stands for nobody).
ONLY_IN = {
    "numba": "kernels",
    "llvmlite": "kernels",
    "scipy": "kernels",
    "threadpoolctl": "kernels",
    "typer": "cli",
    "torch": "bench bridges",
    "transformers": "bench hub",
    "tokenizers": "bench",
    "pickle": "",
    "cloudpickle": "",
    "dill": "",
    "joblib": "",
    "shelve": "",
    "marshal": "",
}

# Imports inside a function: heavy or optional libraries that one feature needs, loaded where used.
LOADED_WHERE_USED = {
    "matplotlib",  # 0.3 s, for pictures alone
    "IPython",  # in a notebook only
    "safetensors",
    "tqdm",
    "html",  # the HTML repr
    "typer",
    "pooch",
    "ftfy",
    "tokenizers",  # what we are measured against
    "threadpoolctl",
    "sacrebleu",  # a peer to measure beside
    "scipy",  # absent where only NumPy is
    "torch",  # optional, and seconds to load
    "resource",  # not on Windows
    "jupytext",  # to build notebooks
    "nbclient",
    "nbformat",
}
# The same for our own rooms: file -> what it may import late.
ROOMS_LOADED_WHERE_USED = {
    "course/child.py": {"tinyllm.tensor"},  # half a second, for exercises with tensors alone
    "course/preparing.py": {  # a lesson opens one of them
        "tinyllm.tasks.chatbot",
        "tinyllm.tasks.summarizer",
        "tinyllm.tasks.translator",
        "tinyllm.training.run",
    },
    "data/corpora.py": {"tinyllm.data.tinyworld"},  # 20 files, for who asks for its stories
    "data/downloads.py": {"tinyllm.data.resuming"},  # urllib and ssl, of no use once it is here
    "training/report.py": {"tinyllm.viz"},  # matplotlib
    "training/rehearsal.py": {"tinyllm.kernels.cache"},  # Numba, which may be absent
    "bench/worker.py": {  # a worker imports the side that it measures, and no other
        "tinyllm.bench.decoding",
        "tinyllm.bench.our_ops",
        "tinyllm.bench.our_translation",
        "tinyllm.bench.peak",
        "tinyllm.bench.profile",
        "tinyllm.bench.torch_contenders",
        "tinyllm.bench.torch_ops",
        "tinyllm.bench.torch_translation",
        "tinyllm.bench.training",
        "tinyllm.kernels.cache",  # Numba, which may be absent
    },
}
COMMANDS = "cli/"  # every command loads what it needs, so that `--help` is quick

MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 70


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def room(path):
    """The room a file stands in: its folder below the package, or its own name."""
    first = path.relative_to(PACKAGE).parts[0]
    return "tinyllm" if first == "__init__.py" else first.removesuffix(".py")


def is_type_checking(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(node, path, inside=False):
    """(module, line, whether inside a function) of each import that runs."""
    for child in ast.iter_child_nodes(node):
        if is_type_checking(child):
            continue
        if isinstance(child, ast.Import):
            for name in child.names:
                yield name.name, child.lineno, inside
        elif isinstance(child, ast.ImportFrom):
            yield from ((m, child.lineno, inside) for m in _from(child, path))
        else:
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from imports(child, path, inside or function)


def _from(node, path):
    """The modules that `from … import …` names; `from tinyllm import kernels` names a room."""
    module = node.module or ""
    if node.level:
        folder = path.relative_to(PACKAGE.parent).parent.parts
        module = ".".join([*folder[: len(folder) - node.level + 1], *([module] if module else [])])
    if module != "tinyllm":
        return [module]
    names = [name.name for name in node.names]
    return [f"tinyllm.{name}" if name in FLOOR else "tinyllm" for name in names]


def target_room(module):
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "tinyllm"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_imports_point_down(path):
    here = room(path)
    assert here in FLOOR, f"tinyllm/{here} has no floor: give it one in FLOORS"
    for module, line, _ in imports(tree(path), path):
        if module.split(".")[0] != "tinyllm":
            continue
        there = target_room(module)
        assert there in FLOOR, f"{path}:{line}: {module} is in no room of FLOORS"
        down = FLOOR[there] < FLOOR[here] or there == here
        assert down, (
            f"{path}:{line}: {here} (floor {FLOOR[here]}) imports {there} above or beside it"
        )


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_libraries_stay_in_their_rooms(path):
    for module, line, _ in imports(tree(path), path):
        library = module.split(".")[0]
        if library in ONLY_IN:
            assert room(path) in ONLY_IN[library].split(), (
                f"{path}:{line}: {library} in {room(path)}"
            )


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_imports_stand_at_module_level(path):
    name = path.relative_to(PACKAGE).as_posix()
    for module, line, inside in imports(tree(path), path):
        if not inside or module.split(".")[0] in LOADED_WHERE_USED:
            continue
        ours = module.split(".")[0] == "tinyllm"
        allowed = ours and name.startswith(COMMANDS)
        allowed |= module in ROOMS_LOADED_WHERE_USED.get(name, ())
        assert allowed, f"{path}:{line}: {module} is imported inside a function"


def test_only_the_package_itself_loads_rooms_by_name():
    for path in FILES:
        if room(path) != "tinyllm" and path != PACKAGE / "utils" / "__init__.py":  # its own parts
            text = path.read_text(encoding="utf-8")
            assert "import_module(" not in text, f"{path} imports by name"
            assert "__import__(" not in text, f"{path} imports by name"


def test_no_late_import_is_allowed_in_vain():
    for name, modules in ROOMS_LOADED_WHERE_USED.items():
        path = PACKAGE / name
        late = {m for m, _, inside in imports(tree(path), path) if inside}
        assert modules <= late, f"{name} no longer imports {modules - late} late: strike it out"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_files_and_functions_stay_small(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES, f"{path} has {lines} lines: it has two subjects"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1
            assert length <= MOST_LINES_OF_A_FUNCTION, f"{path}:{node.lineno}: {length} lines"


def test_subpackages_are_loaded_on_first_use():
    code = (
        "import sys, tinyllm; rooms = ['nn', 'optim', 'data', 'models', 'training', 'gradcheck'];"
        "early = [r for r in rooms if f'tinyllm.{r}' in sys.modules]; assert not early, early;"
        "tinyllm.nn.Linear; assert 'tinyllm.nn' in sys.modules"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


# The reader of imports itself


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import numba.core", [("numba.core", False)]),
        ("from tinyllm import kernels, Tensor", [("tinyllm.kernels", False), ("tinyllm", False)]),
        ("from tinyllm.nn import Module", [("tinyllm.nn", False)]),
        ("from ..nn import functional", [("tinyllm.nn", False)]),
        ("from . import jit", [("tinyllm.ops", False)]),
        ("def f():\n    import torch", [("torch", True)]),
        ("class A:\n    def f(self):\n        from x import y", [("x", True)]),
        ("try:\n    import a\nexcept ImportError:\n    a = None", [("a", False)]),
        ("if TYPE_CHECKING:\n    import torch", []),
    ],
)
def test_the_reader_of_imports(code, found):
    path = PACKAGE / "ops" / "made_up.py"
    assert [(m, inside) for m, _, inside in imports(ast.parse(code), path)] == found
