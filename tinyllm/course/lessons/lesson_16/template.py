"""Exercises of lesson 16: a conversation as tokens, and which of them are learned."""

from __future__ import annotations

import numpy as np

from tinyllm.course.exercise import Case, Exercise, Mistake, code_of
from tinyllm.course.lessons.writing import REFUSED, changed, solution_of

# chat_words -------------------------------------------------------------------------------------


def _chat_words(messages, reply):
    words = []
    for message in messages:
        words += [f"<|{message['role']}|>", *message["content"].split(), "<|end|>"]
    if reply:
        words.append("<|assistant|>")
    return words


def _drawn_turns(rng: np.random.Generator, count: int) -> list[dict[str, str]]:
    some = ["Where", "did", "Fay", "live", "in", "the", "park", "and", "who", "was", "there"]
    return [
        {
            "role": ("user", "assistant")[i % 2],
            "content": " ".join(rng.choice(some, int(rng.integers(1, 6)))),
        }
        for i in range(count)
    ]


def _chat_cases(rng: np.random.Generator) -> list[Case]:
    whole, asked = "a whole conversation", "a prompt to reply to"
    return [
        Case(([{"role": "user", "content": "Hello"}], False), whole),
        Case((_drawn_turns(rng, 2), False), whole),
        Case((_drawn_turns(rng, 4), False), whole),
        Case(([{"role": "user", "content": "Who are you"}], True), asked),
        Case((_drawn_turns(rng, 3), True), asked),
    ]


_CHAT = code_of(_chat_words, "chat_words")

CHAT_WORDS = Exercise(
    name="chat_words",
    lesson="16",
    task="Write a conversation as words: a mark of who speaks, the words, an end; and if a reply "
    "is wanted, the assistant's mark.",
    points=3,
    minutes=8,
    difficulty="easy",
    solution=_CHAT,
    why="A decoder knows no people, only one row of tokens. Marks tell it who speaks and when "
    "somebody has finished. The open mark at the end is the question to the model: whoever reads "
    "it must go on as the assistant.",
    hints=(
        "Write the answer for one question of two words, with and without a reply, by hand.",
        "One loop over the messages; each gives its mark, its words (str.split) and <|end|>.",
        "words += [f\"<|{message['role']}|>\", *..., '<|end|>']; and after the loop, if reply, ...",
    ),
    reference=_chat_words,
    cases=_chat_cases,
    parts={"a whole conversation": 2, "a prompt to reply to": 1},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "no ends",
            "the marks <|end|> are missing: nobody could tell where a message stops.",
            changed(_CHAT, (', "<|end|>"]', "]")),
        ),
        Mistake(
            "the reply's mark is closed",
            "the last mark is followed by <|end|>: that says that the reply is there, and empty.",
            changed(
                _CHAT, ('words.append("<|assistant|>")', 'words += ["<|assistant|>", "<|end|>"]')
            ),
        ),
        Mistake(
            "no mark for the reply",
            "where a reply is wanted, the assistant's mark is missing at the end.",
            changed(_CHAT, ('    if reply:\n        words.append("<|assistant|>")\n', "")),
        ),
        Mistake(
            "always a mark for the reply",
            "the assistant's mark stands at the end of a whole conversation, too.",
            changed(_CHAT, ("    if reply:\n    ", "")),
        ),
        Mistake(
            "only the user speaks",
            "every message has the user's mark: its role says whose it is.",
            changed(_CHAT, ("<|{message['role']}|>", "<|user|>")),
        ),
        Mistake(
            "the content in one piece",
            "the content is one item: it should be cut into words.",
            changed(_CHAT, ('*message["content"].split()', 'message["content"]')),
        ),
        Mistake(
            "letters",
            "the content is cut into letters: it should be cut into words.",
            changed(_CHAT, ('*message["content"].split()', '*message["content"]')),
        ),
    ),
)

# learned_mask -----------------------------------------------------------------------------------


def _learned_mask(ids, assistant, end):
    learned = np.zeros(len(ids), bool)
    answering = False
    for place, token in enumerate(ids):
        learned[place] = answering
        if token == assistant:
            answering = True
        elif token == end:
            answering = False
    return learned


def _conversation(rng: np.random.Generator, turns: int, words: int = 5) -> np.ndarray:
    """Ids with user 20, assistant 21 and end 22, and words below."""
    ids = []
    for turn in range(turns):
        count = int(rng.integers(1, words + 1))
        ids += [20 + turn % 2, *rng.integers(0, 20, count), 22]
    return np.array(ids)


def _mask_cases(rng: np.random.Generator) -> list[Case]:
    one, several, none = "one answer", "several answers", "no answer"
    return [
        Case((np.array([20, 22]), 21, 22), none),
        Case((_conversation(rng, 1), 21, 22), none),
        Case((np.array([20, 5, 22, 21, 7, 22]), 21, 22), one),
        Case((_conversation(rng, 2), 21, 22), one),
        Case((_conversation(rng, 4), 21, 22), several),
        Case((_conversation(rng, 7), 21, 22), several),
    ]


_MASK = solution_of(_learned_mask, "learned_mask")

LEARNED_MASK = Exercise(
    name="learned_mask",
    lesson="16",
    task="Mark with True the tokens that are learned: those of the answers, each with its end.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_MASK,
    why="The model shall learn to answer, not to ask, so questions are no targets. The assistant's "
    "mark is given, not written, so it is none either. But the end is: a model that never learns "
    "to write it never stops.",
    hints=(
        "Which tokens will the model have to write by itself when somebody talks with it?",
        "Walk along the ids and remember whether an answer is going on: it begins after the "
        "assistant's mark, and the end still belongs to it.",
        "learned[place] = answering; and only then look whether this token switches it on or off",
    ),
    reference=_learned_mask,
    cases=_mask_cases,
    parts={"no answer": 1, "one answer": 1, "several answers": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "no ends",
            "the ends of answers are left out: the model would never learn to stop.",
            changed(_MASK, ("= answering\n        if", "= answering and token != end\n        if")),
        ),
        Mistake(
            "the mark is learned",
            "the assistant's mark is learned too: it is given, not written.",
            changed(
                _MASK,
                ("learned[place] = answering", "learned[place] = answering or token == assistant"),
            ),
        ),
        Mistake(
            "never switched off",
            "from the first answer on everything is learned, the later questions too.",
            changed(_MASK, ("        elif token == end:\n            answering = False\n", "")),
        ),
        Mistake(
            "the questions",
            "the questions are learned, and the answers are not.",
            changed(_MASK, ("return learned", "return ~learned")),
        ),
        Mistake(
            "every end",
            "the ends of the questions are learned too: only those of answers should be.",
            changed(_MASK, ("= answering\n        if", "= answering or token == end\n        if")),
        ),
        Mistake(
            "the first answer alone",
            "only the first answer is learned: each answer of a conversation should be.",
            changed(
                _MASK,
                (
                    "            answering = False\n",
                    "            if answering:\n                break\n",
                ),
            ),
        ),
        Mistake(
            "the last answer alone",
            "only the last answer is learned: each answer of a conversation should be.",
            changed(
                _MASK,
                (
                    "            answering = True\n",
                    "            learned[:place] = False\n            answering = True\n",
                ),
            ),
        ),
    ),
)

# masked_targets: find the bug -------------------------------------------------------------------


def _masked_targets(ids, learned):
    return np.where(learned[1:], ids[1:], -100)


def _target_cases(rng: np.random.Generator) -> list[Case]:
    def case(turns: int) -> tuple:
        ids = _conversation(rng, turns)
        return ids, _learned_mask(ids, 21, 22)

    small = np.array([20, 5, 22, 21, 7, 22])
    return [
        Case((small, _learned_mask(small, 21, 22)), "one answer"),
        Case(case(2), "one answer"),
        Case(case(4), "several answers"),
        Case(case(6), "several answers"),
    ]


_TARGETS = solution_of(_masked_targets, "masked_targets")

MASKED_TARGETS = Exercise(
    name="masked_targets",
    lesson="16",
    task="Find the bug in shifted_once, and write the targets without: where the next token is "
    "learned it is the target, elsewhere -100.",
    points=4,
    minutes=12,
    difficulty="medium",
    solution=_TARGETS,
    why="The target at position t is token t + 1, so the mask that decides is that of token t + 1. "
    "shifted_once moves the ids and forgets the mask: the first word of each answer is never "
    "learned, and what follows its end is.",
    hints=(
        "Write ids, learned and targets of a short conversation below one another, by hand.",
        "Position t predicts token t + 1. Whose mask says whether that is learned: t's or t + 1's?",
        "np.where(learned[...], ids[1:], -100)",
    ),
    reference=_masked_targets,
    cases=_target_cases,
    parts={"one answer": 2, "several answers": 2},
    refused=REFUSED,
    mistakes=(
        Mistake(
            "as it was given",
            "the mask is not shifted: the first word of an answer is no target, and what follows "
            "its end is one.",
            changed(_TARGETS, ("learned[1:]", "learned[:-1]")),
        ),
        Mistake(
            "the mask is shifted, the ids are not",
            "the mask is right, but each target is the token that the model has just read.",
            changed(_TARGETS, ("ids[1:]", "ids[:-1]")),
        ),
        Mistake(
            "nothing is shifted",
            "there is one target too many: the last token has nothing after it, and each target "
            "should be the token that comes next.",
            changed(_TARGETS, ("learned[1:], ids[1:]", "learned, ids")),
        ),
        Mistake(
            "0 is a token",
            "what is not learned has the target 0: that is a word; -100 counts for nothing.",
            changed(_TARGETS, ("-100", "0")),
        ),
        Mistake(
            "the questions",
            "the questions are the targets, and the answers are not.",
            changed(_TARGETS, ("learned[1:], ids[1:], -100", "learned[1:], -100, ids[1:]")),
        ),
        Mistake(
            "everything is learned",
            "every token is a target, the questions too: the mask is never used.",
            changed(_TARGETS, ("np.where(learned[1:], ids[1:], -100)", "ids[1:]")),
        ),
        Mistake(
            "answers alone are returned",
            "only the learned targets are returned: the others keep their place, as -100.",
            changed(_TARGETS, ("np.where(learned[1:], ids[1:], -100)", "ids[1:][learned[1:]]")),
        ),
    ),
)

# messages_to_drop -------------------------------------------------------------------------------


def _messages_to_drop(lengths, room):
    dropped = 0
    while sum(lengths[dropped:]) > room and dropped < len(lengths) - 1:
        dropped += 2
    return dropped


def _drop_cases(rng: np.random.Generator) -> list[Case]:
    fits, cut, last = "what fits stays", "the oldest go, in pairs", "the last question stays"
    some = [int(n) for n in rng.integers(6, 20, 7)]
    return [
        Case(([5], 8), fits),
        Case(([6, 3, 5], 20), fits),
        Case(([6, 3, 5], 14), fits),
        Case(([6, 3, 5], 10), cut),
        Case(([4, 9, 5, 3, 6], 22), cut),
        Case(([9, 2, 3, 2, 4], 9), cut),
        Case((some, sum(some[3:]) + 1), cut),
        Case((some, sum(some[2:])), cut),
        Case((some, sum(some[5:])), cut),
        Case(([6, 3, 9], 4), last),
        Case(([9], 4), last),
    ]


_DROP = code_of(_messages_to_drop, "messages_to_drop")

MESSAGES_TO_DROP = Exercise(
    name="messages_to_drop",
    lesson="16",
    task="Say how many of the oldest messages must go, a question always with its answer, until "
    "the rest fits; the last question stays.",
    points=4,
    minutes=10,
    difficulty="medium",
    solution=_DROP,
    why="The newest messages matter most. An answer without its question would be a voice out of "
    "nowhere, which the model has never seen in training, so they go in pairs.",
    hints=(
        "Lengths 6, 3, 5 and room for 10: which messages may stay? And with room for 8?",
        "Begin with none dropped; as long as the sum of the rest is too large, drop two more.",
        "while sum(lengths[dropped:]) > room and dropped < len(lengths) - 1: dropped += ...",
    ),
    reference=_messages_to_drop,
    cases=_drop_cases,
    parts={
        "what fits stays": 1,
        "the oldest go, in pairs": 2,
        "the last question stays": 1,
    },
    refused=REFUSED,
    mistakes=(
        Mistake(
            "one at a time",
            "an answer is left without its question: drop them in pairs.",
            changed(_DROP, ("+= 2", "+= 1")),
        ),
        Mistake(
            "what just fits is dropped",
            "what fits exactly is dropped: the room may be filled.",
            changed(_DROP, ("> room", ">= room")),
        ),
        Mistake(
            "the newest go",
            "the sum is of the oldest messages: it is these that should go.",
            changed(_DROP, ("lengths[dropped:]", "lengths[: len(lengths) - dropped]")),
        ),
        Mistake(
            "all or nothing",
            "where anything must go, everything goes but the last question.",
            changed(_DROP, ("dropped += 2", "dropped = len(lengths) - 1")),
        ),
        Mistake(
            "the last question goes too",
            "the last question is dropped where it alone is too long: then nothing is asked.",
            changed(_DROP, (" and dropped < len(lengths) - 1", " and dropped < len(lengths)")),
        ),
        Mistake(
            "what is kept",
            "this is how many messages stay: how many go was asked.",
            changed(_DROP, ("return dropped", "return len(lengths) - dropped")),
        ),
        Mistake(
            "one pair at most",
            "only one pair is ever dropped: go on until the rest fits.",
            changed(_DROP, ("while sum", "if sum")),
        ),
    ),
)

EXERCISES = (CHAT_WORDS, LEARNED_MASK, MASKED_TARGETS, MESSAGES_TO_DROP)
