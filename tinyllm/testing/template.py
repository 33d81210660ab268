"""The file of tests that a class fills in: class_template.py, under another name."""

from __future__ import annotations

from pathlib import Path

SOURCE = Path(__file__).with_name("class_template.py")


def write_template(path: Path, module: str = "my_work") -> Path:
    """Write the template where `path` says, as tests of `module`; return its place.

    Raises:  ValueError for a name that pytest would not find, or a module that cannot be imported
             by it; FileExistsError: nothing is overwritten.
    """
    if not (path.name.startswith("test_") and path.suffix == ".py"):
        raise ValueError(f"{path.name}: pytest looks for files called test_….py")
    if not module.isidentifier():
        raise ValueError(f"{module!r} is no name of a module: the file's name without .py")
    text = SOURCE.read_text("utf-8").replace("my_work", module).replace("THIS_FILE", path.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "x", encoding="utf-8") as file:
        file.write(text)
    return path
