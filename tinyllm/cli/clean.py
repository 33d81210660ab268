"""`tinyllm clean`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tinyllm.training.display import harmless


def clean(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A UTF-8 text.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Where the clean text goes.")],
    report: Annotated[
        bool, typer.Option("--report", help="Show what each step changed, with examples.")
    ] = False,
    json: Annotated[
        Path | None,
        typer.Option("--json", help="Keep the report in this file.", show_default=False),
    ] = None,
    unit: Annotated[str, typer.Option(help="A document is a: line | paragraph.")] = "line",
    bad_bytes: Annotated[
        str, typer.Option(help="What is not UTF-8: error | replace | windows-1252.")
    ] = "error",
    fix_encoding: Annotated[
        bool, typer.Option("--fix-encoding", help="Mend wrongly decoded text (needs ftfy).")
    ] = False,
    form: Annotated[str, typer.Option(help="Unicode: NFC | NFKC | NFD | NFKD.")] = "NFC",
    keep_html: Annotated[bool, typer.Option("--keep-html", help="Leave tags.")] = False,
    keep_addresses: Annotated[
        bool, typer.Option("--keep-addresses", help="Do not mask URLs and e-mail addresses.")
    ] = False,
    mask_numbers: Annotated[
        bool, typer.Option("--mask-numbers", help="Write <number> for each number.")
    ] = False,
    min_words: Annotated[int, typer.Option(help="Drop documents with fewer words.")] = 0,
    near: Annotated[
        float | None,
        typer.Option(
            help="Drop documents that share this part of their 5-grams with an earlier one, 0.8.",
            show_default=False,
        ),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(
            help="Drop documents that share 13 words with this test text.", show_default=False
        ),
    ] = None,
    progress: Annotated[bool, typer.Option(help="Show a progress bar.")] = True,
) -> None:
    """Clean a text: HTML, Unicode, control characters, spaces, addresses, repetitions, duplicates.

    OUT appears when all is done; Ctrl-C leaves it as it was.
    """
    from tinyllm.files import write_json
    from tinyllm.text.clean import clean_file
    from tinyllm.text.clean.files import check_target

    if json is not None:
        check_target(json)
    masks = {
        "urls": None if keep_addresses else "<url>",
        "emails": None if keep_addresses else "<email>",
        "numbers": "<number>" if mask_numbers else None,
    }
    cleaner = _cleaner(fix_encoding, keep_html, form, masks, min_words, near, test, unit)
    try:
        done = clean_file(
            source, target, cleaner, unit=unit, bad_bytes=bad_bytes, progress=progress
        )
    except KeyboardInterrupt:
        typer.echo(f"\nstopped: {target} is as it was", err=True)
        raise typer.Exit(130) from None
    if json is not None:
        write_json(json, done.to_dict())
    typer.echo(harmless(str(done) if report else done.totals()))


def _cleaner(
    fix_encoding: bool,
    keep_html: bool,
    form: str,
    masks: dict[str, str | None],
    min_words: int,
    near: float | None,
    test: Path | None,
    unit: str,
) -> Any:
    from tinyllm.text import clean as steps

    try:
        mend = steps.FixEncoding() if fix_encoding else None
    except ModuleNotFoundError as error:
        raise ValueError(str(error)) from None
    chain = [
        mend,
        None if keep_html else steps.StripHTML(),
        steps.NormalizeUnicode(form),
        steps.RemoveControl(),
        steps.NormalizeWhitespace(),
        steps.Mask(**masks),
        steps.LengthFilter(min_words=min_words),
        steps.RepetitionFilter(),
        steps.ExactDuplicates(),
        None if near is None else steps.NearDuplicates(near),
        None if test is None else _without(test, unit),
    ]
    return steps.Cleaner([step for step in chain if step is not None])


def _without(test: Path, unit: str) -> Any:
    from tinyllm.text.clean import DropOverlap, read_documents

    step = DropOverlap(read_documents(test, unit))
    if not step.documents:
        raise ValueError(f"--test: {test}: expected text, there is none: is the file empty?")
    return step
