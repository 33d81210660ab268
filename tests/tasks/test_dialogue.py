"""Conversations: the template, what is learned, history, scores, and the command."""

import dataclasses
import errno
import json
import signal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import tinyllm
from tinyllm.cli import app
from tinyllm.data.rows import RowBatches, shifted_targets
from tinyllm.data.tinyworld import reading_notes, stories
from tinyllm.data.tinyworld.questions import ABSTENTIONS
from tinyllm.tasks import dialogue
from tinyllm.tasks.chat_template import ChatTemplate
from tinyllm.tasks.chatbot import LONGEST_ANSWER, UNSURE, Chatbot
from tinyllm.tasks.dialogue import DialogueConfig, Model, load_corpus
from tinyllm.tasks.reading import reading_rows
from tinyllm.text import BPETokenizer
from tinyllm.training import TrainingInterrupted

TOKENIZER = BPETokenizer.train(["who are you? i am nobody."], 270)
TEMPLATE = ChatTemplate(TOKENIZER)
SMALL = Model(vocab_size=400, context_length=256, layers=1, heads=2, width=32)
TALK = [
    {"role": "user", "content": "who are you?"},
    {"role": "assistant", "content": "nobody."},
]


def test_a_conversation_in_ids_and_back():
    ids = TEMPLATE.apply_chat_template(TALK)
    assert TEMPLATE.show(ids) == "<|user|> who are you?<|end|><|assistant|> nobody.<|end|>"
    prompt = TEMPLATE.apply_chat_template(TALK[:1], add_generation_prompt=True)
    assert ids[: len(prompt)] == prompt
    assert prompt[-1] == TEMPLATE.role_ids["assistant"]


def test_answers_and_their_ends_are_learned_and_nothing_else():
    ids, learned = TEMPLATE.training_row([*TALK, *TALK])
    text = [
        TEMPLATE.show([token]) for token, is_learned in zip(ids, learned, strict=True) if is_learned
    ]
    assert "".join(text) == " nobody.<|end|>" * 2
    batch = next(iter(RowBatches([ids], 1, targets=[shifted_targets(ids, learned)])))
    kept = batch.targets[0] != -100
    np.testing.assert_array_equal(batch.targets[0][kept], ids[learned])
    np.testing.assert_array_equal(batch.ids[0], ids[:-1])


@given(st.text(min_size=1).filter(str.strip))
def test_no_text_can_make_a_mark(text):
    ids = TEMPLATE.apply_chat_template([{"role": "user", "content": text}])
    marks = {TEMPLATE.end_id, *TEMPLATE.role_ids.values()}
    assert [token in marks for token in ids] == [True, *[False] * (len(ids) - 2), True]


def test_messages_that_are_none():
    with pytest.raises(ValueError, match="role 'system' is not user or assistant"):
        TEMPLATE.apply_chat_template([{"role": "system", "content": "x"}])
    with pytest.raises(ValueError, match="the message of the user is empty"):
        TEMPLATE.apply_chat_template([{"role": "user", "content": " \n"}])


@pytest.fixture(scope="module")
def corpus():
    whole = load_corpus("mini", count=60, test=6, turns=3)
    return dataclasses.replace(whole, aside=whole.aside[:12])


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("talk") / "run"
    config = DialogueConfig(max_steps=4, pretraining_steps=2, batch_size=4, warmup_steps=1)
    return dialogue.train(corpus, config, SMALL, folder, progress=False), config, folder


def test_pretraining_reads_stories_told_again(corpus, monkeypatch):
    stages = []

    def rows(ids, batch_size, **settings):
        stages.append((ids, settings))
        return RowBatches(ids, batch_size, **settings)

    monkeypatch.setattr(dialogue, "RowBatches", rows)
    config = DialogueConfig(max_steps=1, pretraining_steps=1, batch_size=2, warmup_steps=1)
    bot, _ = dialogue.train(corpus, config, SMALL, progress=False)
    ids, settings = stages[0]
    rows, targets = reading_rows(bot.template, corpus.read, SMALL.context_length)
    assert list(map(list, ids)) == list(map(list, rows))
    assert list(map(list, settings["targets"])) == list(map(list, targets))
    assert len({tuple(row) for row in ids}) > 10
    story = next(stories(corpus.grammar, 1, 0, "train"))
    read = corpus.read[0]
    assert read.words == story.words[:-1]
    assert read.notes == reading_notes(story)
    assert read.messages[0] == {"role": "user", "content": story.text}
    told_again = read.messages[1]["content"]
    statements = [f"{text}." for text in told_again.removesuffix(".").split(". ")]
    assert len(statements) == len(story.facts) + len(story.events)


def test_the_first_message_is_read_in_both_directions(trained):
    bot = trained[0][0]
    talk = [*TALK, {"role": "user", "content": "who are you now?"}]
    ids = bot.template.apply_chat_template(talk)
    end = ids.index(bot.template.end_id)

    def moved(place):
        """Which places see another token in that place."""
        changed = [*ids[:place], (ids[place] + 1) % 250, *ids[place + 1 :]]
        with tinyllm.no_grad():
            before, after = (bot.model(tinyllm.tensor([row])).numpy()[0] for row in (ids, changed))
        return (np.abs(before - after).max(axis=1) > 0).tolist()

    assert moved(end - 1) == [True] * len(ids)
    assert moved(end + 2) == [False] * (end + 2) + [True] * (len(ids) - end - 2)


def test_both_stages_and_the_scores(trained, corpus):
    (bot, result), config, folder = trained
    assert result.steps == 4
    before = json.loads((folder.parent / "run-pretrained" / "config.json").read_text())
    assert before["training"]["max_steps"] == 2
    scores, examples = dialogue.evaluate(bot, corpus)
    assert scores.questions == sum(len(d.questions) for d in corpus.test)
    assert "hallucinations" in str(scores)
    assert examples[0].startswith("user: ")
    again = Chatbot.open(folder)
    question = corpus.test[0].turns[:1]
    assert "".join(again.answer(question)) == bot.answer_all([question])[0]
    (_, same) = dialogue.train(corpus, config, SMALL, folder, progress=False)
    assert same.metrics == result.metrics


def test_learns_a_conversation_by_heart(corpus, tmp_path):
    few = dataclasses.replace(corpus, learned=corpus.learned[:3], aside=corpus.learned[:3])
    config = DialogueConfig(max_steps=120, pretraining_steps=0, batch_size=3, average_decay=None)
    bot, _ = dialogue.train(few, config, SMALL, tmp_path / "run", progress=False)
    for each in few.learned:
        turns = each.turns
        for place in range(0, len(turns), 2):
            assert bot.answer_all([turns[: place + 1]]) == [turns[place + 1]["content"]]


def test_the_oldest_messages_go_first(trained):
    bot = trained[0][0]
    talk = [
        {"role": r, "content": f"{r} {n} " + "x" * 20}
        for n in range(9)
        for r in ("user", "assistant")
    ]
    talk.append({"role": "user", "content": "the last"})
    kept, dropped = bot.shortened(talk)
    assert dropped > 0
    assert dropped % 2 == 0, "questions go with their answers"
    assert kept == talk[dropped:]
    assert bot.shortened(kept) == (kept, 0)
    with pytest.raises(ValueError, match=f"the model reads {256 - LONGEST_ANSWER} at most: say it"):
        bot.shortened([{"role": "user", "content": "x" * 2000}])
    with pytest.raises(ValueError, match="drops the oldest messages"):
        bot.answer(talk)


def test_an_answer_of_which_it_is_not_sure_is_not_given(trained, corpus):
    (bot, _), _, folder = trained
    question = corpus.test[0].turns[:1]
    ids = bot.template.apply_chat_template(question, add_generation_prompt=True)
    text, probability = [*ids], 1.0
    while len(text) < len(ids) + LONGEST_ANSWER:  # the likeliest, and how likely, by definition
        with tinyllm.no_grad():
            logits = bot.model(tinyllm.tensor([text])).numpy()[0, -1].astype(np.float64)
        chances = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        text.append(int(chances.argmax()))
        probability *= chances.max()
        if text[-1] in (bot.template.end_id, *bot.template.role_ids.values()):
            break
    said = bot.answer_all([question])[0]
    less = Chatbot(bot.model, bot.template.tokenizer, probability * 0.999)
    more = Chatbot(bot.model, bot.template.tokenizer, probability * 1.001)
    assert less.answer_all([question]) == list(less.answer(question)) == [said] != [UNSURE]
    assert more.answer_all([question]) == list(more.answer(question)) == [UNSURE]
    assert UNSURE in ABSTENTIONS
    assert "".join(more.answer(question, 1.0, tinyllm.Generator(0))) != UNSURE
    assert run(question[0]["content"], "--run", folder, "--sure", "1").stdout == f"{UNSURE}\n"
    many = run("--run", folder, "--sure", "1", text="/temp 1\n/temp 0\n")
    assert "(temperature 1; what is drawn is not held to --sure)\n(temperature 0)" in many.stderr
    with pytest.raises(ValueError, match=r"sure = 1\.5 is not a probability"):
        Chatbot.open(folder, 1.5)


def run(*arguments, text=None):
    return CliRunner().invoke(app, ["chat", *map(str, arguments)], input=text)


def test_one_question_and_many_lines(trained, tmp_path):
    folder = trained[2]
    one = run("Where did Tom live?", "--run", folder)
    assert one.exit_code == 0, one.output
    saved = tmp_path / "talk.txt"
    lines = (
        f"Where did Tom live?\n\n/temp 0.5\n/temp hot\n/save {saved}\n/frob\n/save\n/reset\n/help\n"
    )
    many = run("--run", folder, text=lines)
    assert many.exit_code == 1, "lines were refused"
    assert many.stdout.splitlines()[0] == one.stdout.splitlines()[0]
    for part in (
        "(temperature 0.5)", "/temp takes a number from 0, such as /temp 0.7, not 'hot'",
        "(saved to", "/frob is no command", "/save takes the name of a file", "(forgotten)",
        "Ctrl-C stops",
    ):  # fmt: skip
        assert part in many.stderr
    if one.stdout.strip():
        assert saved.read_text().startswith("user: Where did Tom live?\nassistant: ")
    lost = run("--run", folder, text=f"/save {tmp_path}/no/such/place.txt\nWhere did Tom live?\n")
    assert lost.exit_code == 1
    assert "tinyllm: " in lost.stderr
    assert lost.stdout == one.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([""], "chat: the message is empty"),
        (["a", "--train"], "--train takes no question"),
        (["a", "--max-steps", "3"], "--max-steps is for training"),
        (["a", "--sure", "0.5", "--temperature", "1"], "--sure is about the likeliest answer"),
    ],
)
def test_what_does_not_go_together(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 1
    assert message in str(result.exception)


def test_the_seed_decides_what_is_drawn(trained):
    def said(seed):
        drawn = ["Where did Tom live?", "--run", trained[2], "--temperature", "2", "--seed", seed]
        return run(*drawn).stdout

    assert said(1) == said(1)
    assert len({said(seed) for seed in range(4)}) > 1


def test_ctrl_c_stops_an_answer_and_not_the_program(trained, monkeypatch):
    whole = Chatbot.answer

    def stopped(self, messages, *settings):
        if len(messages) == 1:
            yield "In Oak"
            raise KeyboardInterrupt
        assert messages[1] == {"role": "assistant", "content": "In Oak"}
        yield from whole(self, messages, *settings)

    monkeypatch.setattr(Chatbot, "answer", stopped)
    result = run("--run", trained[2], text="Where did Tom live?\nWhen was he born?\n")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("In Oak …\n")
    assert len(result.stdout.splitlines()) == 2


def test_a_full_disk_loses_nothing(trained, monkeypatch, tmp_path):
    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tinyllm.files.atomic_write", full)
    saved = tmp_path / "talk.txt"
    saved.write_text("an earlier talk")
    result = run("--run", trained[2], text=f"/save {saved}\nWhere did Tom live?\n")
    assert "No space left on device" in result.stderr
    assert saved.read_text() == "an earlier talk"
    assert len(result.stdout.splitlines()) == 1, "the talk goes on"


@pytest.mark.parametrize("stage", [1, 2])
def test_ctrl_c_in_training_says_how_to_go_on(stage, trained, corpus, tmp_path, monkeypatch):
    (_, expected), config, _ = trained
    batches, whole = [], dialogue.to_tensors

    def stopped(batch):
        batches.append(batch)
        if len(batches) == (3 if stage == 1 else 8):  # one more each stage is for the kernels
            signal.raise_signal(signal.SIGINT)
        return whole(batch)

    monkeypatch.setattr(dialogue, "to_tensors", stopped)
    folder = tmp_path / "run"
    with pytest.raises(TrainingInterrupted, match=f"to go on: type it with {folder}$"):
        dialogue.train(corpus, config, SMALL, folder, "type it with {folder}", progress=False)
    assert (folder.with_name("run-pretrained") / "config.json").exists()
    assert (folder / "config.json").exists() == (stage == 2)
    monkeypatch.setattr(dialogue, "to_tensors", whole)
    _, result = dialogue.train(corpus, config, SMALL, folder, progress=False)
    assert result.metrics == expected.metrics, "as if it had not been stopped"


def test_most_stories_that_are_talked_about_have_several_days():
    corpus = load_corpus("mini", count=300, test=1, turns=1)
    assert len(corpus.learned) == 300
    assert len(corpus.read) == 75
    days = [
        len({event.day for event in told.story.events if event.day is not None})
        for told in corpus.learned
        if told.story is not None
    ]
    several = sum(number > 1 for number in days) / len(days)
    assert 0.6 < several < 0.9  # of all stories, three in ten
    assert len({told.story.text for told in corpus.learned if told.story is not None}) > 250
