"""Writes the lessons into docs/course.md and README.md: `python tests/lessons_table.py`.

Minutes, exercises and points come from the package, each picture out of the lesson's notebook.
tests/test_docs_course.py holds the pages to them.
"""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

from PIL import Image

from tinyllm.course import Lesson, lessons

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "course.md"
README = ROOT / "README.md"
PICTURES = ROOT / "docs" / "images" / "lessons"
BEGIN, END = "<!-- lessons -->", "<!-- end of lessons -->"
WIDTH = 240  # pixels
COLUMNS = 4  # of README's gallery

BUILT = {
    "00": "shapes, slopes and logarithms, checked",
    "01": "a model that counts, smooths, and guesses letters",
    "02": "a tape from nothing, and gradients of whole arrays",
    "03": "an engine for arrays, gradients checked; project: a network that learns a spiral",
    "04": "a cleaner, a word splitter, byte-pair encoding",
    "05": "taggers that count: HMM, Viterbi, perceptron; names scored by spans",
    "06": "embeddings, three kinds of positions; project: a map of words from raw text",
    "07": "attention, its mask, its heads, the backward of softmax",
    "08": "a whole block: normalisation, residuals, initialisation",
    "09": "encoder, decoder and all their masks; the chapter's code put right",
    "10": "the loss of a language model and its gradient; project: a GPT trained by hand",
    "11": "SGD, momentum, Adam, schedules, and races between them",
    "12": "the loop in five steps, and a doctor for runs that fail",
    "13": "sampling, beams, a cache; project: a writer of stories",
    "14": "a translator, beam search, BLEU",
    "15": "ROUGE, a summariser, and whether its sentences are true",
    "16": "a chat template, fine-tuning, and a count of what is made up",
    "17": "project: names and parts of speech by a Transformer",
    "18": "fused kernels, and what a temporary array costs",
    "19": "weights moved between libraries: names, layouts, files, and what fails in silence",
    "20": "project: a planner that says how long, how large, how dear",
}
PICTURE = {}  # which of a notebook's pictures, where it is not the first


def notebook(lesson: Lesson) -> Path:
    """The lesson's notebook."""
    (path,) = (ROOT / "notebooks").glob(f"{lesson.number}_*.ipynb")
    return path


def pictures_of(path: Path) -> list[bytes]:
    """The PNGs among a notebook's outputs."""
    outputs = [
        output.get("data", {})
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        for output in cell.get("outputs", [])
    ]
    return [base64.b64decode(data["image/png"]) for data in outputs if "image/png" in data]


def row(lesson: Lesson) -> str:
    """A lesson's line in the table."""
    number, path = lesson.number, notebook(lesson)
    picture = f"![](images/lessons/{number}.png)"
    link = f"[{number} {lesson.title}](../notebooks/{path.name})"
    return (
        f"| {picture} | {link} | {lesson.minutes} | {BUILT[number]} | {len(lesson.exercises)} "
        f"({lesson.points}) |"
    )


def table() -> str:
    """All lessons, and what they come to."""
    every = list(lessons().values())
    head = "| | lesson | minutes | what you will have built | exercises (points) |"
    total = (
        f"\n{len(every)} lessons, {sum(len(each.exercises) for each in every)} exercises, about "
        f"{round(sum(each.minutes for each in every) / 60)} hours."
    )
    return "\n".join([head, "| --- | --- | ---: | --- | ---: |", *map(row, every), total])


def gallery() -> str:
    """All lessons as pictures with their titles and minutes."""
    cells = [
        f"[![](docs/images/lessons/{each.number}.png)<br>{each.number} {each.title}]"
        f"(notebooks/{notebook(each).name}), {each.minutes} min"
        for each in lessons().values()
    ]
    cells += [""] * (-len(cells) % COLUMNS)
    rows = [cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)]
    lines = ["| " + " | ".join(each) + " |" for each in rows]
    return "\n".join([lines[0], "|" + " --- |" * COLUMNS, *lines[1:]])


def between_markers(page: str, content: str) -> str:
    """The page with that between its markers."""
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    return between.sub(lambda _: f"{BEGIN}\n\n{content}\n\n{END}", page)


def save_picture(lesson: Lesson) -> None:
    """Write a small copy of one of the notebook's pictures."""
    found = pictures_of(notebook(lesson))[PICTURE.get(lesson.number, 0)]
    with Image.open(io.BytesIO(found)) as image:
        small = image.convert("RGB")
        small.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
        small.quantize(64).save(PICTURES / f"{lesson.number}.png", optimize=True)


if __name__ == "__main__":
    PICTURES.mkdir(parents=True, exist_ok=True)
    for each in lessons().values():
        save_picture(each)
    for page, content in ((PAGE, table()), (README, gallery())):
        page.write_text(
            between_markers(page.read_text(encoding="utf-8"), content), encoding="utf-8"
        )
