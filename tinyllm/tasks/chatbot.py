"""A trained model to talk with: a conversation in, an answer out."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from typing import Any

from tinyllm import random
from tinyllm.generation import beam_search, generate, in_pieces
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.tasks.chat_template import ChatTemplate, Message
from tinyllm.text import Tokenizer, printable
from tinyllm.training.task_run import TaskRun

TASK = "dialogue"
LONGEST_ANSWER = 64  # tokens
UNSURE = "I do not know."  # as tinyworld's dialogues abstain


class Chatbot:
    """A decoder with a chat template.

    Args:    sure: how probable the likeliest answer must be, all its tokens together; where it is
             less, "I do not know." is said in its place. Only without a temperature: what is drawn
             is not held to it.
    """

    def __init__(self, model: Decoder, tokenizer: Tokenizer, sure: float = 0.0) -> None:
        if not 0 <= sure <= 1:
            raise ValueError(f"Chatbot: sure = {sure!r} is not a probability, 0 to 1")
        self.model, self.template, self.sure = model, ChatTemplate(tokenizer), sure
        if model.config.vocab_size != self.template.vocab_size:
            raise ValueError(
                f"Chatbot: the model has {model.config.vocab_size} tokens, tokenizer and template "
                f"{self.template.vocab_size}: were they trained together?"
            )

    @classmethod
    def open(cls, path: str | os.PathLike | None = None, sure: float = 0.0) -> Chatbot:
        """The model of a run, by default of the newest one.

        Raises:  FileNotFoundError if there is none; ValueError if its files are damaged.
        """
        run = TaskRun.newest(TASK) if path is None else TaskRun.open(path, TASK)
        config = DecoderConfig.from_dict(run.settings()["model"])
        return cls(run.load_weights(Decoder(config)), run.tokenizer(), sure)

    @property
    def longest(self) -> int:
        """The most tokens that a conversation may have before an answer."""
        return self.model.config.context_length - LONGEST_ANSWER

    def answer(
        self,
        messages: Sequence[Message],
        temperature: float = 0.0,
        generator: random.Generator | None = None,
    ) -> Iterator[str]:
        """Answer the last message, giving out each piece as it is written.

        With `sure` and no temperature the answer is one piece: all of it is to be weighed.

        Raises:  ValueError for a conversation that is too long or has an empty message.
        """
        if self.sure and not temperature:
            return iter(self.answer_all([messages]))
        ids = self._prompt(messages)
        tokens = generate(
            self.model, ids, LONGEST_ANSWER, temperature, generator=generator, stop=self._ends()
        )
        return in_pieces(tokens, self.template.tokenizer, strip=True)

    def answer_all(self, conversations: Sequence[Sequence[Message]]) -> list[str]:
        """Answer many conversations at once, each by its likeliest tokens if these are `sure`."""
        prompts = [self._prompt(messages) for messages in conversations]
        found = beam_search(self.model, prompts, LONGEST_ANSWER, num_beams=1, stop=self._ends())
        least = math.log(self.sure) if self.sure else -math.inf
        return [
            printable(self.template.decode(best.tokens)) if best.log_prob >= least else UNSURE
            for (best,) in found
        ]

    def shortened(self, messages: Sequence[Message]) -> tuple[list[Message], int]:
        """Drop the oldest questions with their answers until the rest can be read.

        Returns: what is left, and how many messages were dropped.
        Raises:  ValueError if the last message alone is too long.
        """
        kept = list(messages)
        while len(kept) > 1 and self._length(kept) > self.longest:
            later = [i for i, m in enumerate(kept) if m["role"] == "user" and i > 0]
            kept = kept[later[0] if later else len(kept) - 1 :]
        if self._length(kept) > self.longest:
            raise ValueError(
                f"chat: the message has {self._length(kept)} tokens, and the model reads "
                f"{self.longest} at most: say it in fewer words"
            )
        return kept, len(messages) - len(kept)

    def _length(self, messages: Sequence[Message]) -> int:
        return len(self.template.apply_chat_template(messages, add_generation_prompt=True))

    def _prompt(self, messages: Sequence[Message]) -> list[int]:
        ids = self.template.apply_chat_template(messages, add_generation_prompt=True)
        if len(ids) > self.longest:
            raise ValueError(
                f"chat: the conversation has {len(ids)} tokens, and the model reads "
                f"{self.longest} at most: `shortened` drops the oldest messages"
            )
        return ids

    def _ends(self) -> list[Any]:
        return [self.template.end_id, *self.template.role_ids.values()]
