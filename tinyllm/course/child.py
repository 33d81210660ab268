"""What runs in a learner's process: their code, then one call for each case.

Started as a script by `sandbox.py`. It reads one JSON line, {"code", "call", "cases", "tensors",
"limits"}, and answers with one JSON line for each event, on a pipe of its own, so that what the
learner prints does not mix with it. No expected value ever comes here.
"""

from __future__ import annotations

import ast
import io
import json
import linecache
import os
import sys
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout

from exchange import NotSendable, pack, unpack  # beside this script; the package takes 0.5 s

sys.path.pop(0)  # the learner's imports do not find the course's files

MOST_PRINTED = 4000  # characters that are shown of what the code prints


def main() -> None:
    """Run what the standard input asks for."""
    answers = os.fdopen(int(sys.argv[1]), "w", encoding="utf-8", buffering=1)
    task = json.loads(sys.stdin.readline())
    _limit(task["limits"])

    def say(**event) -> None:
        answers.write(json.dumps(event) + "\n")
        answers.flush()

    printed = _Printed()
    with redirect_stdout(printed), redirect_stderr(printed):
        namespace = _run_code(task["code"], say, printed)
        if namespace is not None:
            _run_cases(task, namespace, say, printed)


def _limit(limits: dict[str, float]) -> None:
    try:
        import resource
    except ImportError:  # Windows: the parent's clock remains
        return
    memory, seconds = int(limits["bytes"]), int(limits["seconds"]) + 1
    for kind, most in (("RLIMIT_DATA", memory), ("RLIMIT_CPU", seconds), ("RLIMIT_CORE", 0)):
        number = getattr(resource, kind, None)
        if number is None:
            continue
        hard = resource.getrlimit(number)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(number, (most, hard))


class _Printed(io.StringIO):
    """What the code prints, up to a limit."""

    def write(self, text: str) -> int:
        room = MOST_PRINTED - self.tell()
        if room > 0:
            super().write(text[:room])
        return len(text)

    def take(self) -> str:
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return text


def _run_code(code: str, say, printed: _Printed) -> dict | None:
    namespace = {"__name__": "learner"}
    _remember("your code", code.splitlines(True))
    try:
        for statement in ast.parse(code, "<your code>").body:
            exec(_compiled(statement, code), namespace)
    except BaseException as error:
        say(event="code failed", error=_described(error), printed=printed.take())
        return None
    return namespace


def _compiled(statement: ast.stmt, code: str):
    """One statement. Lines of a function or class are counted from its own first.

    The code was gathered from several cells: its line numbers would say nothing to the learner.
    """
    where = "your code"
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        where = statement.name
        first = min(each.lineno for each in [statement, *statement.decorator_list])
        _remember(where, code.splitlines(True)[first - 1 : statement.end_lineno])
        ast.increment_lineno(statement, 1 - first)
    return compile(ast.Module([statement], []), f"<{where}>", "exec")


def _remember(where: str, lines: list[str]) -> None:
    """Keep lines where tracebacks and warnings look for them."""
    linecache.cache[f"<{where}>"] = (sum(map(len, lines)), None, lines, f"<{where}>")


def _run_cases(task: dict, namespace: dict, say, printed: _Printed) -> None:
    make_tensor = None
    if task["tensors"]:
        from tinyllm import tensor as make_tensor
    try:
        function = eval(compile(task["call"], "<the exercise>", "eval"), namespace)
    except Exception as error:
        say(event="code failed", error=_described(error), printed=printed.take())
        return
    for number, case in enumerate(task["cases"]):
        arguments = unpack(case, make_tensor)
        started = time.perf_counter()
        try:
            result = function(*arguments)
            seconds = time.perf_counter() - started
            say(
                event="result", case=number, value=pack(result), seconds=seconds,
                after=pack(arguments), printed=printed.take(),
            )  # fmt: skip
        except NotSendable as error:
            say(event="odd result", case=number, kind=str(error), printed=printed.take())
        except BaseException as error:
            say(event="raised", case=number, error=_described(error), printed=printed.take())
            if isinstance(error, (SystemExit, KeyboardInterrupt, MemoryError)):
                return


def _described(error: BaseException) -> dict:
    """The error in words, and where in the learner's code it came from."""
    line, text, where = None, "", ""
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename[:1] == "<" and frame.filename in linecache.cache:
            line, text, where = frame.lineno, frame.line or "", frame.filename
    if isinstance(error, SyntaxError) and error.filename in linecache.cache:
        line, text, where = error.lineno, (error.text or "").strip(), error.filename
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return {
        "kind": type(error).__name__, "message": message[:500],
        "line": line, "text": text, "where": where.strip("<>"),
    }  # fmt: skip


if __name__ == "__main__":
    main()
