"""Dialogue as a task: read stories, then learn to answer, then be asked what is known to be so.

Two stages. Pretraining: stories, to take notes of and to tell again in plain statements, so that
the model learns to read. Fine-tuning: conversations about stories, with the loss on what the model
says alone. Both in a chat template; the first message is read in both directions. Then the held-out
conversations: each answer is true, false, an abstention, or nothing that can be understood.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from tinyllm import random
from tinyllm.data.rows import RowBatch, RowBatches, shifted_targets
from tinyllm.data.tinyworld import (
    AnswerScores,
    Dialogue,
    Grammar,
    Mix,
    Story,
    World,
    conversations,
    reading_notes,
    retelling,
    score_answers,
    stories,
)
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.tasks.chat_template import ChatTemplate, Message
from tinyllm.tasks.chatbot import TASK, Chatbot
from tinyllm.tasks.reading import Reading, reading_rows
from tinyllm.tensor import Tensor
from tinyllm.text import BPETokenizer
from tinyllm.training import FitResult, LoaderSource, fit, mean_loss
from tinyllm.training.config import TaskConfig

PRETRAINING = "pretraining"
READ = 0.25  # as many stories are read as this share of the conversations
ONE_DAY = 0.15  # of the stories that tell of one day alone are talked about, most of them easy
WORLD = 0.1  # of the conversations to learn from are about the world, which is soon known
# What is learned last is asked most.
LEARNED = Mix(
    unanswerable=0.15,
    kinds={"why": 3, "who": 2, "when": 2, "yes-no": 2.5, "two-hop": 1.5, "what": 0.7, "where": 0.7},
    of_the_world=0.3,
)


@dataclass(frozen=True)
class DialogueConfig(TaskConfig):
    """How both stages are trained; `max_steps` is of the second."""

    max_steps: int = 3800
    pretraining_steps: int = 600
    batch_size: int = 16
    optimizer: str = "muon"
    learning_rate: float = 8e-3  # of the embeddings; the layers' is Muon's
    min_learning_rate: float = 1e-4
    muon_learning_rate: float = 0.02
    warmup_steps: int = 50
    decay: str = "linear"
    decay_share: float = 0.7
    weight_decay: float = 0.01
    average_decay: float | None = 0.99


@dataclass(frozen=True)
class Model:
    """The sizes of the model and its vocabulary."""

    vocab_size: int = 5000  # so that nearly all words of the full world are one token
    context_length: int = 320
    layers: int = 4
    heads: int = 4
    width: int = 128


@dataclass(frozen=True)
class Corpus:
    """What is read, what is learned to be answered, and what is asked at the end."""

    read: list[Reading]
    learned: list[Dialogue]
    aside: list[Dialogue]
    test: list[Dialogue]
    grammar: Grammar
    about: dict[str, Any] = field(default_factory=dict)


def load_corpus(
    size: str = "full", count: int = 40_000, test: int = 300, turns: int = 12, seed: int = 0
) -> Corpus:
    """Tell stories and talk about them; the test's are told and asked of their own draws.

    Args:    count: of conversations to learn from; of stories to read there are a quarter as many.
             turns: questions in a conversation to learn from; in those of the test there are 4.
    """
    grammar = Grammar(World(0, size))
    order = random.Generator(seed)  # of the statements
    read = [
        Reading(
            story.words[:-1],
            reading_notes(story),
            [_message("user", story.text), _message("assistant", retelling(story, grammar, order))],
        )
        for story in stories(grammar, math.ceil(READ * count), seed, "train")
    ]
    enough = 2 * math.ceil(count / ONE_DAY)  # of one day, all of them; only what is asked is told
    told = _with_several_days(stories(grammar, enough, seed + 1, "train"), seed + 4)
    learned = conversations(told, grammar, turns, seed + 1, WORLD, LEARNED)
    learned = list(islice(learned, count))
    aside = list(conversations(stories(grammar, 150, seed, "validation"), grammar, 4, seed + 2))
    asked = list(conversations(stories(grammar, test, seed, "test"), grammar, 4, seed + 3))
    about = {"name": "tinyworld", "size": size, "count": count, "turns": turns, "seed": seed}
    return Corpus(read, learned, aside, asked, grammar, about)


def _with_several_days(told: Iterable[Story], seed: int) -> Iterator[Story]:
    """Leave out most stories of one day: in them nothing shows which event a question means."""
    draws = random.Generator(seed).numpy
    for story in told:
        days = {event.day for event in story.events if event.day is not None}
        if len(days) > 1 or draws.random() < ONE_DAY:
            yield story


def train(
    corpus: Corpus,
    config: DialogueConfig | None = None,
    model: Model | None = None,
    folder: str | os.PathLike | None = None,
    go_on: str | None = None,
    progress: bool | None = None,
) -> tuple[Chatbot, FitResult]:
    """Pretrain in FOLDER-pretrained, then fine-tune in FOLDER; or go on where it was stopped.

    Args:    go_on: what to type to go on when stopped in either stage; "{folder}" in it stands for
             FOLDER.
    """
    if folder is not None:  # not that of the stage
        go_on = go_on or "call it again with the same settings and the folder {folder}"
        go_on = go_on.replace("{folder}", str(folder))
    config, sizes = config or DialogueConfig(), model or Model()
    said = [reading.messages for reading in corpus.read[:10_000]]
    said += [dialogue.turns for dialogue in corpus.learned[:15_000]]
    texts = (f" {message['content']}" for messages in said for message in messages)  # as template
    tokenizer = BPETokenizer.train(texts, sizes.vocab_size)
    template = ChatTemplate(tokenizer)
    settings = DecoderConfig(
        vocab_size=template.vocab_size,
        context_length=sizes.context_length,
        layers=sizes.layers,
        heads=sizes.heads,
        width=sizes.width,
        hidden_width=2 * sizes.width,  # to look things up is attention's work: half is enough
        positions="rotary",
        norm="rms",
        activation="relu2",
        bias=False,
        qk_norm=True,
        qk_gain=1.4,  # scores up to 11 instead of 5.7: an answer stands in one place of many
        zero_init_branches=True,
        embedding_std=0.1,  # most names and things are rare, and must not look alike
        # What a question quotes stands behind some of what it asks for, and before the rest
        prefix_end=template.end_id,
    )
    random.manual_seed(config.seed)
    decoder = Decoder(settings)
    before = None if folder is None else Path(folder).with_name(f"{Path(folder).name}-pretrained")
    _pretrain(decoder, template, corpus, config, before, go_on, progress)
    result = fit(
        decoder,
        _source(template, _turns(corpus.learned), decoder, config.batch_size, seed=config.seed),
        config,
        folder,
        _settings(TASK, decoder, template, corpus),
        evaluate=mean_loss(_source(template, _turns(corpus.aside), decoder, 32, shuffle=False)),
        choose_by="-val_loss",
        tokenizers={"tokenizer": tokenizer},
        go_on=go_on,
        progress=progress,
    )
    return Chatbot(decoder, tokenizer), result


def evaluate(chatbot: Chatbot, corpus: Corpus) -> tuple[AnswerScores, list[str]]:
    """Ask all questions of the test's conversations; the model hears its own earlier answers.

    Returns: the scores, and the first conversations as they went.
    """
    histories: list[list[Message]] = [[] for _ in corpus.test]
    questions, answers, told = [], [], []
    for turn in range(max(len(dialogue.questions) for dialogue in corpus.test)):
        asked = [i for i, d in enumerate(corpus.test) if turn < len(d.questions)]
        for i in asked:
            histories[i].append(corpus.test[i].turns[2 * turn])
        prompts = [chatbot.shortened(histories[i])[0] for i in asked]
        for i, text in zip(asked, chatbot.answer_all(prompts), strict=True):
            histories[i].append({"role": "assistant", "content": text or "…"})
            questions.append(corpus.test[i].questions[turn])
            answers.append(text)
            told.append(corpus.test[i].story)
    scores = score_answers(questions, answers, corpus.grammar, told)
    return scores, [in_words(history) for history in histories[:3]]


def in_words(messages: Sequence[Message]) -> str:
    """A conversation as lines."""
    return "\n".join(f"{message['role']}: {message['content']}" for message in messages)


def to_tensors(batch: RowBatch) -> tuple[Tensor, Tensor]:
    """Make what `Decoder.loss` takes."""
    return Tensor(batch.ids), Tensor(batch.targets)


def _pretrain(
    decoder: Decoder,
    template: ChatTemplate,
    corpus: Corpus,
    config: DialogueConfig,
    folder: Path | None,
    go_on: str | None,
    progress: bool | None,
) -> None:
    if not config.pretraining_steps:
        return
    first = DialogueConfig.from_dict(
        {**config.to_dict(), "max_steps": config.pretraining_steps, "pretraining_steps": 0}
    )
    ids, targets = reading_rows(template, corpus.read, decoder.config.context_length)
    rows = RowBatches(ids, config.batch_size, targets=targets, seed=config.seed)
    fit(
        decoder,
        LoaderSource(rows, to_tensors),
        first,
        folder,
        _settings(PRETRAINING, decoder, template, corpus),
        tokenizers={"tokenizer": template.tokenizer},
        go_on=go_on,
        progress=progress,
    )


def _settings(
    task: str, decoder: Decoder, template: ChatTemplate, corpus: Corpus
) -> dict[str, Any]:
    data = {**corpus.about, "template": template.to_dict()}
    return {"task": task, "model": decoder.config.to_dict(), "data": data}


def _turns(dialogues: Iterable[Dialogue]) -> Iterable[list[Message]]:
    return (dialogue.turns for dialogue in dialogues if dialogue.questions)


def _source(
    template: ChatTemplate,
    conversations: Iterable[Sequence[Message]],
    decoder: Decoder,
    batch_size: int,
    **order: Any,
) -> LoaderSource:
    """Batches of the conversations that fit the context."""
    rows = map(template.training_row, conversations)
    rows = [row for row in rows if len(row[0]) <= decoder.config.context_length]
    ids, targets = [row[0] for row in rows], [shifted_targets(*row) for row in rows]
    return LoaderSource(RowBatches(ids, batch_size, targets=targets, **order), to_tensors)


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}
