"""`tinyllm bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

bench = typer.Typer(
    help="Measure this machine: tinyllm beside PyTorch, and both beside what it could do at best.",
    invoke_without_command=True,
    subcommand_metavar="[ops | profile | speedrun | text | translation | truth]",
)

Out = Annotated[Path, typer.Option(help="Folder for the picture.")]
Json = Annotated[
    Path | None, typer.Option("--json", help="Keep every number in this file.", show_default=False)
]
Threads = Annotated[
    int | None,
    typer.Option(help="Processors to use. (default: each library's choice)", show_default=False),
]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print the tables as Markdown.")]


@bench.callback()
def everything(
    context: typer.Context,
    case: Annotated[
        list[str] | None,
        typer.Option(help="Only this case; give it again for another.", show_default=False),
    ] = None,
    repeats: Annotated[int, typer.Option(help="Blocks of steps of each contender.")] = 15,
    seconds: Annotated[float, typer.Option(help="For each case at most, about.")] = 30.0,
    threads: Threads = None,
    cold: Annotated[
        bool, typer.Option("--cold", help="Also a first start, with no kernels built yet.")
    ] = False,
    out: Out = Path(),
    json: Json = None,
    markdown: Markdown = False,
) -> None:
    """Measure training steps, decoding, starting and scaling; print a table, write bench.png."""
    if context.invoked_subcommand is not None:
        return
    from tinyllm.bench.cases import COLD, DEFAULT
    from tinyllm.bench.report import report
    from tinyllm.bench.suite import Options, run, torch_is_here
    from tinyllm.files import write_json
    from tinyllm.training.display import Display
    from tinyllm.viz.bench import bench_picture, save

    names = [*(case or DEFAULT), *([COLD] if cold else [])]
    options = Options(repeats, seconds, threads, torch_is_here())
    display = Display()
    results = run(dict.fromkeys(names), options, display)
    display.say(report(results, markdown))
    if json is not None:
        write_json(json, results)
    if any("tinyllm" in measured for measured in results["cases"].values()):
        out.mkdir(parents=True, exist_ok=True)
        save(bench_picture(results), out / "bench.png")
        display.say(f"\nThe picture: {out / 'bench.png'}")
    if results.get("interrupted"):
        raise typer.Exit(130)


@bench.command()
def profile(
    case: Annotated[str, typer.Option(help="micro | char | small | baby | gpt2")] = "char",
    threads: Threads = None,
    out: Out = Path(),
    json: Json = None,
    markdown: Markdown = False,
) -> None:
    """Show where the time of a training step goes; write profile.png."""
    from tinyllm.bench.profile_report import profile_table, run_profile
    from tinyllm.bench.report import readable_time
    from tinyllm.files import write_json
    from tinyllm.training.display import Display
    from tinyllm.viz.bench import profile_picture, save

    display = Display()
    result = run_profile(case, threads, display)
    display.say(profile_table(result, markdown))
    if json is not None:
        write_json(json, result)
    out.mkdir(parents=True, exist_ok=True)
    seconds = sum(row["seconds"] for row in result["rows"])
    below = (
        f"{readable_time(seconds)} in the mean with the stopwatch running, "
        f"{readable_time(result['plain'])} at best without; {result['threads']} threads"
    )
    save(profile_picture(result["rows"], f"A training step of {case}", below), out / "profile.png")
    display.say(f"\nThe picture: {out / 'profile.png'}")


@bench.command()
def ops(
    op: Annotated[
        list[str] | None,
        typer.Option(help="Only ops whose name begins so; again for another.", show_default=False),
    ] = None,
    repeats: Annotated[int, typer.Option(help="Blocks of calls of each side.")] = 8,
    threads: Threads = None,
    json: Json = None,
    markdown: Markdown = False,
) -> None:
    """Measure kernel by kernel, forward and backward, against PyTorch's operators."""
    from tinyllm.bench.ops import run_ops
    from tinyllm.bench.report import ops_report
    from tinyllm.bench.suite import Options, torch_is_here
    from tinyllm.files import write_json
    from tinyllm.training.display import Display

    display = Display()
    options = Options(repeats=repeats, threads=threads, torch=torch_is_here())
    results = run_ops(op or [], options, display)
    display.say(ops_report(results, markdown))
    if json is not None:
        write_json(json, results)
    if results.get("interrupted"):
        raise typer.Exit(130)


@bench.command()
def translation(
    repeats: Annotated[int, typer.Option(help="Rounds of 20 steps of each side.")] = 5,
    seconds: Annotated[float, typer.Option(help="At most, about, after three rounds.")] = 120.0,
    threads: Threads = None,
    json: Json = None,
) -> None:
    """Measure a training step of an encoder-decoder on pairs, against PyTorch's."""
    from tinyllm.bench.suite import Options, torch_is_here
    from tinyllm.bench.translation import run_translation, translation_report
    from tinyllm.files import write_json
    from tinyllm.training.display import Display

    display = Display()
    results = run_translation(Options(repeats, seconds, threads, torch_is_here()), display)
    display.say(translation_report(results))
    if json is not None:
        write_json(json, results)


@bench.command()
def truth(
    size: Annotated[str, typer.Option(help="mini | full: how large a tinyworld.")] = "mini",
    steps: Annotated[int, typer.Option(help="Updates of the model.")] = 700,
    seed: Annotated[int, typer.Option(help="Of the world, its stories and the weights.")] = 0,
    out: Out = Path(),
    json: Json = None,
) -> None:
    """Train a small GPT on tinyworld and draw how far above the exact entropy it stays."""
    from tinyllm.bench.truth import Settings, measure_excess
    from tinyllm.files import write_json
    from tinyllm.training.display import Display
    from tinyllm.viz.bench import save
    from tinyllm.viz.excess import excess_curve

    display = Display()
    result = measure_excess(Settings(size=size, steps=steps, seed=seed), display.say)
    if json is not None:
        write_json(json, result)
    below = (
        f"{size} tinyworld, {result['entropy']:.3f} nats per word; {result['vocabulary']} words, "
        f"{result['parameters']:,} parameters, {result['held_out']:,} held-out stories"
    )
    out.mkdir(parents=True, exist_ok=True)
    save(excess_curve(result["rows"], below=below), out / "excess.png")
    display.say(f"\nThe picture: {out / 'excess.png'}")


@bench.command()
def text(
    repeats: Annotated[int, typer.Option(help="Runs of each side.")] = 5,
    data: Annotated[
        str,
        typer.Option(help="A UTF-8 text file, a folder of them, or stdlib (with its tests)."),
    ] = "stdlib",
    megabytes: Annotated[float, typer.Option(help="Of the text at most.")] = 10.0,
    json: Json = None,
    markdown: Markdown = False,
) -> None:
    """Measure training of tokenizers and encoding, against the libraries people use."""
    from tinyllm.bench.text import report, rows, run, text_of
    from tinyllm.files import write_json
    from tinyllm.training.display import Display

    display = Display()
    results = run(rows(text_of(data, megabytes)), repeats, display.say)
    display.say(report(results, markdown))
    if json is not None:
        write_json(json, {"rows": results})


@bench.command()
def speedrun(
    data: Annotated[
        str, typer.Option(help="tinyshakespeare, or a UTF-8 text file.")
    ] = "tinyshakespeare",
    rung: Annotated[
        list[str] | None,
        typer.Option(help="Only this rung; give it again for another.", show_default=False),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs of each rung; PyTorch's runs once.")] = 3,
    every: Annotated[int, typer.Option(help="Steps between two measurements.")] = 50,
    steps: Annotated[
        int | None, typer.Option(help="The most that a run takes.", show_default=False)
    ] = None,
    target: Annotated[float, typer.Option(help="The loss to reach, nats per character.")] = 1.88,
    stop: Annotated[bool, typer.Option("--stop", help="End each run at the target.")] = False,
    threads: Threads = None,
    out: Out = Path(),
    json: Json = None,
    markdown: Markdown = False,
) -> None:
    """Climb from nanoGPT's recipe to the preset speedrun, rung by rung; write speedrun.png."""
    from tinyllm.bench.speedrun import Options, run
    from tinyllm.bench.speedrun_report import report, summaries
    from tinyllm.files import write_json
    from tinyllm.training.display import Display
    from tinyllm.viz.bench import save
    from tinyllm.viz.speedrun import ladder_picture

    display = Display()
    options = Options(data, tuple(rung or ()), seeds, every, steps, target, stop, threads)
    results = run(options, display)
    if json is not None:
        write_json(json, results)
    if results["runs"]:
        display.say("\n" + report(results, markdown))
        curves = {entry["rung"]: list(entry["runs"].values()) for entry in summaries(results)}
        out.mkdir(parents=True, exist_ok=True)
        below = f"mean of {seeds} seeds, {results['machine']['threads']} threads"
        picture = ladder_picture(curves, target, "From nanoGPT's recipe to the speedrun", below)
        save(picture, out / "speedrun.png")
        display.say(f"\nThe picture: {out / 'speedrun.png'}")
    if results.get("interrupted"):
        raise typer.Exit(130)
