"""How a conversation becomes tokens: each message between a mark of who speaks and an end.

    <|user|> Who are you? <|end|> <|assistant|> Nobody. <|end|>

The marks are ids behind the tokenizer's own, so that no text that somebody types can make one. The
blank behind a mark belongs to the text: so a name is the same token at its start as within it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinyllm.text import Tokenizer

ROLES = ("user", "assistant")
Message = dict[str, str]


class ChatTemplate:
    """Messages to ids, and back to what is read on a screen.

    Args:    tokenizer: of the texts; its vocabulary has no marks.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.role_ids = {role: tokenizer.vocab_size + i for i, role in enumerate(ROLES)}
        self.end_id = tokenizer.vocab_size + len(ROLES)
        self.vocab_size = self.end_id + 1

    def to_dict(self) -> dict[str, object]:
        """Give the template as it stands in a run's config.json."""
        marks = {**self.role_ids, "end": self.end_id}
        return {"messages": "<|role|> content <|end|>", "marks": marks}

    def apply_chat_template(
        self, messages: Sequence[Message], add_generation_prompt: bool = False
    ) -> list[int]:
        """Return the ids of a conversation.

        Args:    messages: {"role": "user" or "assistant", "content": text}, one after the other.
                 add_generation_prompt: end with the assistant's mark, for the model to go on.
        Raises:  ValueError for another role, or a message that is empty.
        """
        ids = [token for message in messages for token in self._of(message)]
        return [*ids, self.role_ids["assistant"]] if add_generation_prompt else ids

    def training_row(self, messages: Sequence[Message]) -> tuple[np.ndarray, np.ndarray]:
        """Return a conversation's ids, and which of them are learned: answers and their ends."""
        ids, learned = [], []
        for message in messages:
            tokens = self._of(message)
            ids += tokens
            learned += [False] + [message["role"] == "assistant"] * (len(tokens) - 1)
        return np.array(ids, np.int32), np.array(learned)

    def encode(self, text: str) -> list[int]:
        """Return a text's ids, with a blank before it."""
        return self.tokenizer.encode(f" {text}")

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids, without blanks around it."""
        return self.tokenizer.decode(ids).strip()

    def show(self, ids: Sequence[int]) -> str:
        """Return a conversation's ids as text, the marks by name."""
        names = {token: f"<|{role}|>" for role, token in self.role_ids.items()}
        names[self.end_id] = "<|end|>"
        parts, text = [], []
        for token in [*ids, None]:
            if token is None or token in names:
                parts += [self.tokenizer.decode(text), names.get(token, "")]
                text = []
            else:
                text.append(token)
        return "".join(parts)

    def _of(self, message: Message) -> list[int]:
        role, content = message.get("role"), message.get("content", "")
        if role not in self.role_ids:
            raise ValueError(f"chat template: role {role!r} is not {' or '.join(ROLES)}")
        if not content.strip():
            raise ValueError(f"chat template: the message of the {role} is empty")
        return [self.role_ids[role], *self.encode(content), self.end_id]
