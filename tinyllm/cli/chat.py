"""`tinyllm chat`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyllm.cli.settings import with_training
from tinyllm.training.config import TaskConfig
from tinyllm.training.display import harmless

if TYPE_CHECKING:
    from tinyllm.tasks.chatbot import Chatbot

HELP = """\
/help          this
/reset         forget the conversation
/temp NUMBER   0 always says the likeliest; 1 draws as the model thinks (now {temperature:g})
/save FILE     write the conversation
Ctrl-C stops an answer, Ctrl-D ends."""


@with_training(TaskConfig)
def chat(
    question: Annotated[
        str | None, typer.Argument(help="Ask this alone. (default: talk)", show_default=False)
    ] = None,
    train: Annotated[bool, typer.Option("--train", help="Train a model to talk with.")] = False,
    size: Annotated[str, typer.Option(help="Of tinyworld: full, mini or micro.")] = "full",
    count: Annotated[
        int,
        typer.Option(help="Conversations to learn from; a quarter as many stories read.", min=20),
    ] = 40_000,
    pretraining_steps: Annotated[
        int | None,
        typer.Option(help="Steps on stories, before conversations.", min=0, show_default=False),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(help="Folder of the run to train; the same again goes on with it."),
    ] = Path("runs/dialogue"),
    run: Annotated[
        Path | None,
        typer.Option(
            help="Talk with the run in this folder. (default: the newest in runs/)",
            show_default=False,
        ),
    ] = None,
    temperature: Annotated[float, typer.Option(help="0 always says the likeliest.", min=0)] = 0.0,
    sure: Annotated[
        float,
        typer.Option(help='Less probable answers become "I do not know."', min=0, max=1),
    ] = 0.0,
    progress: Annotated[
        bool | None,
        typer.Option(help="Show progress bars, or nothing at all.", show_default=False),
    ] = None,
    **settings: Any,
) -> None:
    """Talk with a trained model, or train one: stories first, then conversations about them.

    The world is tinyworld's: tell a story of it and ask, or ask about its people. Ctrl-C in
    training saves and stops; the same command goes on.
    """
    settings = {"pretraining_steps": pretraining_steps, **settings}
    given = {name: value for name, value in settings.items() if value is not None}
    if sure and temperature:
        raise ValueError("chat: --sure is about the likeliest answer: leave --temperature at 0")
    if train:
        if question is not None or run is not None:
            raise ValueError("chat: --train takes no question and no --run: train, then talk")
        _train(size, count, given, out, sure, progress)
        return
    from tinyllm import set_num_threads
    from tinyllm.tasks.chatbot import Chatbot

    threads, seed = given.pop("threads", None), given.pop("seed", None)
    if given:
        flag = next(iter(given)).replace("_", "-")
        raise ValueError(f"chat: --{flag} is for training: give --train too")
    if threads is not None:
        set_num_threads(threads)
    if question is not None and not question.strip():
        raise ValueError("chat: the message is empty")
    talk = Talk(Chatbot.open(run, sure), temperature, seed)
    if question is not None:
        talk.say(question)
    elif talk.go_on() and not talk.interactive:
        raise typer.Exit(1)  # a script wants to know that lines were refused


class Talk:
    """A conversation in a terminal, or one question a line from a file."""

    def __init__(self, chatbot: Chatbot, temperature: float, seed: int | None = None) -> None:
        from tinyllm import Generator

        self.chatbot, self.temperature = chatbot, temperature
        self.generator = Generator(seed)
        if seed is None:
            self.generator.seed()
        self.messages: list[dict[str, str]] = []
        self.interactive = sys.stdin.isatty()

    def go_on(self) -> int:
        """Read lines until the end of input; return how many were refused."""
        refused = 0
        if self.interactive:
            typer.echo("Tell a story of tinyworld and ask about it; /help says more.", err=True)
        while True:
            try:
                line = input("you: " if self.interactive else "")
            except EOFError:
                return refused
            except KeyboardInterrupt:  # a line that was begun and not wanted
                typer.echo()
                continue
            try:
                self._command(line) if line.startswith("/") else self.say(line)
            except (ValueError, OSError) as error:  # nothing of the conversation is lost
                typer.echo(f"tinyllm: {harmless(str(error))}", err=True)
                refused += 1

    def say(self, line: str) -> None:
        """Send a message, and show the answer as it comes."""
        if not line.strip():
            return
        asked = [*self.messages, {"role": "user", "content": line.strip()}]
        asked, dropped = self.chatbot.shortened(asked)
        if dropped:
            typer.echo(f"(the {dropped} oldest messages were forgotten, to have room)", err=True)
        if self.interactive:
            typer.echo("model: ", nl=False)
        said = ""
        try:
            for piece in self.chatbot.answer(asked, self.temperature, self.generator):
                said += piece
                typer.echo(harmless(piece) if sys.stdout.isatty() else piece, nl=False)
                sys.stdout.flush()
        except KeyboardInterrupt:
            typer.echo(" …", nl=False)
        typer.echo()
        if said.strip():
            self.messages = [*asked, {"role": "assistant", "content": said.strip()}]

    def _command(self, line: str) -> None:
        name, _, rest = line[1:].partition(" ")
        if name == "reset":
            self.messages = []
            typer.echo("(forgotten)", err=True)
        elif name == "temp":
            self._set_temperature(rest)
        elif name == "save":
            self._save(rest.strip())
        elif name == "help":
            typer.echo(HELP.format(temperature=self.temperature), err=True)
        else:
            raise ValueError(f"/{name} is no command; /help lists those there are")

    def _set_temperature(self, text: str) -> None:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value < float("inf"):
            raise ValueError(f"/temp takes a number from 0, such as /temp 0.7, not {text!r}")
        self.temperature = value
        aside = "; what is drawn is not held to --sure" if value and self.chatbot.sure else ""
        typer.echo(f"(temperature {value:g}{aside})", err=True)

    def _save(self, name: str) -> None:
        from tinyllm.files import atomic_write

        if not name:
            raise ValueError("/save takes the name of a file, such as /save talk.txt")
        lines = [f"{m['role']}: {m['content']}\n" for m in self.messages]
        with atomic_write(Path(name)) as file:
            file.write("".join(lines).encode())
        typer.echo(f"(saved to {name})", err=True)


def _train(
    size: str,
    count: int,
    settings: dict[str, Any],
    out: Path,
    sure: float,
    progress: bool | None,
) -> None:
    from tinyllm import viz
    from tinyllm.files import atomic_write, write_json
    from tinyllm.tasks import dialogue
    from tinyllm.training import TrainingInterrupted
    from tinyllm.training.display import Display

    config = dialogue.DialogueConfig(**settings)
    display = Display(progress)
    display.say(f"telling stories, and {count:,} conversations about others")
    corpus = dialogue.load_corpus(size, count)
    try:
        go_on = "the same command with --out {folder}"
        chatbot, result = dialogue.train(corpus, config, None, out, go_on, progress)
    except TrainingInterrupted as stop:
        typer.echo(f"\n{stop}", err=True)
        raise typer.Exit(128 + stop.signal) from None
    chatbot.sure = sure
    scores, examples = dialogue.evaluate(chatbot, corpus)
    write_json(result.run.path / "scores.json", {**scores.to_dict(), "sure": sure})
    rows = [(f"{row.about}: {row.kind}", row.counts) for row in scores.rows]
    figure = viz.answers_picture(rows, "What it answers", "shares in percent, by kind of question")
    picture = result.run.path / "answers.png"
    with atomic_write(picture) as file:
        file.write(viz.png(figure))
    shown = "\n\n".join(examples)
    display.say(f"\n{scores}\n\n{shown}\n\nThe scores: {result.run.path / 'scores.json'}")
    display.show_picture(picture)
