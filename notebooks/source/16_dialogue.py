# %% [markdown]
# # 16 Dialogue: fine-tuning, and what a model makes up
#
# **You will be able to** turn a conversation into tokens and say which of them are learned;
# fine-tune a small model until it answers; say what it knows by kind of question, and what it makes
# up; teach it to abstain; and choose how sure it must be before it may speak.
#
# **You need** lesson 10 (targets of -100, the mean over what is asked) and lesson 13 (how text is
# generated). **Time:** about 45 minutes of reading, and 100 of exercises.
#
# ## Why
#
# A language model continues texts. Give it «Who was the aunt of Elliot?», and it may well continue
# with a second question, or with a story in which somebody asks. It has read how people write, and
# nobody has told it that it is being spoken to. **Fine-tuning** tells it: the same model, the same
# loss, some hundred steps more, on conversations.
#
# That works so well that a new trouble comes with it. A model that always answers, answers also
# what it cannot know, in the same even voice. This lesson measures that in a world where every
# answer can be checked.

# %%
import inspect
import textwrap
from itertools import islice

import matplotlib.pyplot as plt
import numpy as np

import tinyllm
from tinyllm.course import check, hint, prepared, reveal
from tinyllm.data.rows import RowBatches, shifted_targets
from tinyllm.data.tinyworld import (
    Dialogue,
    Grammar,
    World,
    conversations,
    is_right,
    score_answer,
    stories,
)
from tinyllm.generation import generate_batch, inference
from tinyllm.models import Decoder, DecoderConfig
from tinyllm.nn import functional as F
from tinyllm.optim import AdamW
from tinyllm.tasks.chat_template import ChatTemplate
from tinyllm.text import WordTokenizer
from tinyllm.viz.answers import COLOURS
from tinyllm.viz.style import BLUE, GRID, INK, ORANGE, PAPER, QUIET, dress

# %% [markdown]
# ## The idea in a picture
#
# A decoder knows no people. It sees one row of tokens, so who speaks must stand in the row. A
# **chat template** puts a mark before each message and an end behind it:
#
# `<|user|> Who won ? <|end|> <|assistant|> Megan . <|end|>`
#
# And the loss must know whose words to learn. We do not want a model that asks; we want one that
# answers. So only the answers are targets, with their ends. Everything else is read, and asked of
# nobody: its target is the -100 of lesson 10.

# %%
row = ["<|user|>", "Who", "won", "?", "<|end|>", "<|assistant|>", "Megan", ".", "<|end|>"]
answered = [False] * 6 + [True] * 3  # which tokens are learned
figure, axes = plt.subplots(figsize=(8.5, 1.7), layout="constrained", facecolor=PAPER)
axes.axis("off")
for place, (word, learned) in enumerate(zip(row, answered, strict=True)):
    colour = BLUE if learned else GRID
    axes.add_patch(plt.Rectangle((place + 0.04, 0), 0.92, 1, color=colour))
    axes.text(place + 0.5, 0.5, word, ha="center", va="center", fontsize=9,
              color=PAPER if learned else INK)  # fmt: skip
    axes.text(place + 0.5, -0.3, str(place), ha="center", va="center", color=QUIET, fontsize=9)
axes.set_xlim(0, 9)
axes.set_ylim(-0.5, 1.1)
plt.show()
assert len(row) == 9

# %% [markdown]
# *Picture: nine boxes in a row, one for each token. The user's mark, the three words of the
# question, its end, and the assistant's mark are grey. The answer, «Megan» and the full stop, and
# its end are blue: these are learned.*
#
# ## The smallest numeric example
#
# The model reads tokens 0 to 7 and predicts tokens 1 to 8. Say that it pays, in nats:
#
# | to predict | Who | won | ? | end | assistant | Megan | . | end |
# |---|---|---|---|---|---|---|---|---|
# | it pays | 2.0 | 2.0 | 0.5 | 0.1 | 0.0 | 0.9 | 0.2 | 0.1 |
#
# 1. **The loss of everything** is $5.8 / 8 = 0.725$. Four fifths of it (4.6 of 5.8) come from the
#    question: most of each step would go into guessing what people ask.
# 2. **The loss of the answer** is $(0.9 + 0.2 + 0.1) / 3 = 0.4$, a mean over three tokens.
#
# The end of the answer is among them. A model that never learns to write it never stops.

# %%
paid = np.array([2.0, 2.0, 0.5, 0.1, 0.0, 0.9, 0.2, 0.1])  # (T,), of tokens 1 .. 8
learned = np.array(answered)[1:]  # (T,), of the same tokens
print("of everything", paid.mean(), "  of the answer", paid[learned].mean())
assert np.isclose(paid.mean(), 0.725)
assert np.isclose(paid[learned].mean(), 0.4)
assert np.isclose(paid[:4].sum() / paid.sum(), 0.79, atol=0.01)

# %% [markdown]
# Here is tinyllm's template. The marks are ids behind those of the tokenizer, so no text that
# somebody types can make one: whoever writes `<|assistant|>` into a question gets other tokens,
# never the mark.

# %%
print(inspect.getsource(ChatTemplate._of))
print(inspect.getsource(ChatTemplate.training_row))

# %% [markdown]
# ### Exercise 1: `chat_words` (easy, 8 minutes, 3 points)
#
# `messages` is a list of dictionaries with `"role"` (`"user"` or `"assistant"`) and `"content"`.
# Give the conversation as a list of words: the mark `<|role|>`, the words of the content (between
# blanks), `<|end|>`, and so on. If `reply` is True, add `<|assistant|>` at the very end: it tells
# the model that it is its turn.


# %%
def chat_words(messages, reply):
    ### BEGIN SOLUTION
    words = []
    for message in messages:
        words += [f"<|{message['role']}|>", *message["content"].split(), "<|end|>"]
    if reply:
        words.append("<|assistant|>")
    return words
    ### END SOLUTION


# %%
check(chat_words)

# %% [markdown]
# ### Exercise 2: `learned_mask` (medium, 12 minutes, 4 points)
#
# `ids` $(T)$ is a conversation of ids; `assistant` and `end` are the ids of these two marks. Give
# the mask $(T)$ of True and False: True for the tokens of answers and their ends. The assistant's
# mark itself is given to the model, so it is not learned.


# %%
def learned_mask(ids, assistant, end):
    ### BEGIN SOLUTION
    learned = np.zeros(len(ids), bool)
    answering = False
    for place, token in enumerate(ids):
        learned[place] = answering
        if token == assistant:
            answering = True
        elif token == end:
            answering = False
    return learned
    ### END SOLUTION


# %%
check(learned_mask)

# %% [markdown]
# ### Exercise 3: find the bug (medium, 12 minutes, 4 points)
#
# A colleague turns ids and mask into targets. His model has a splendid loss, and when it is asked
# «Who won?» it begins its answer with any word at all. Below stands, beside each token that is
# read, the target that his model learned from. Find the bug, and write `masked_targets` without it:
# from `ids` $(T)$ and the mask `learned` $(T)$ the targets $(T - 1)$ for the inputs `ids[:-1]`.


# %%
def shifted_once(ids, learned):
    return np.where(learned[:-1], ids[1:], -100)


ids = np.arange(9)  # the token at each place of the row above
wrong = shifted_once(ids, np.array(answered))  # (T - 1,)
for word, target in zip(row[:-1], wrong, strict=True):
    print(f"reads {word:13}  target {row[target] if target >= 0 else target}")
assert (wrong == [-100] * 6 + [7, 8]).all()


# %%
def masked_targets(ids, learned):
    ### BEGIN SOLUTION
    return np.where(learned[1:], ids[1:], -100)
    ### END SOLUTION


# %%
check(masked_targets)

# %% [markdown]
# ## A world to ask about
#
# The micro world of lesson 13 has four people. Of two of them, Megan and Elliot, the world knows
# who they are; that never changes. The other two, Fay and Gordon, are **strangers**: each story
# says of them what it likes. So there are facts of the **world**, which a model can learn by heart
# in training, and facts of the **context**, which stand in one story and nowhere else. And there
# is what nobody has told. One question in five is of that kind, and its right answer is «I do not
# know.»

# %%
grammar = Grammar(World(seed=0, size="micro"))
told = list(stories(grammar, 4000, seed=1))
talks = [d for d in islice(conversations(told, grammar, 2, 1), 4000) if d.questions]
held_out = stories(grammar, 90, seed=5, split="validation")
asked = [d for d in conversations(held_out, grammar, 3, 7) if d.questions]
tokenizer = WordTokenizer.train([m["content"] for d in talks for m in d.turns])
template = ChatTemplate(tokenizer)
for message in talks[0].turns:
    print(f"{message['role']:>9}: {message['content']}")
print(textwrap.fill(template.show(template.apply_chat_template(talks[4].turns[:2])), 110))
print(len(talks), "conversations to learn from,", template.vocab_size, "tokens")
assert template.vocab_size < 100

# %% [markdown]
# ## Two stages
#
# **Pretraining**: the next word of stories, all tokens learned. **Fine-tuning**: conversations, the
# answers alone. It is one and the same loop; only the rows and the masks differ. (With answers for
# targets only the smaller part of the tokens teaches, and still all of them must be read.)


# %%
def train(model, rows, targets, steps, lr=5e-3):
    """Train on rows of ids and their targets (None: always the next token); return the losses."""
    optimizer, losses = AdamW(model.parameters(), lr=lr), []
    batches = iter(RowBatches(rows, 16, targets=targets, seed=0))
    for step in range(steps):
        batch = next(batches)
        loss = model.loss(tinyllm.tensor(batch.ids), tinyllm.tensor(batch.targets))  # (B, T) each
        optimizer.zero_grad()
        loss.backward()
        share = min(1.0, (step + 1) / 10) * (1 - 0.95 * step / steps)
        optimizer.param_groups[0]["lr"] = lr * share
        optimizer.step()
        losses.append(loss.item())
    return losses


# %%
tinyllm.manual_seed(0)
config = DecoderConfig(
    vocab_size=template.vocab_size, context_length=128, layers=2, heads=4, width=64,
    positions="rotary", norm="rms", activation="relu2", bias=False, qk_norm=True, qk_gain=1.5,
    zero_init_branches=True,
)  # fmt: skip
model = Decoder(config)
end = template.end_id
texts = [[end, *tokenizer.encode(story.text), end] for story in told]
in_pretraining = train(model, texts, None, 60)
pretrained = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}


def answers_of(model, prompts):
    """The likeliest answer to each prompt of ids: texts, and ids."""
    stop = [end, *template.role_ids.values()]
    found = generate_batch(model, prompts, 12, temperature=0, stop=stop)
    decoded = [tokenizer.decode(ids).strip() for ids in found]
    return [text.replace(" .", ".").replace(" ,", ",") for text in decoded], found


question = [{"role": "user", "content": "Who was the aunt of Elliot?"}]
prompt = template.apply_chat_template(question, add_generation_prompt=True)
before = answers_of(model, [prompt])[0][0]
print("after pretraining:", before)

# %%
pairs = [template.training_row(d.turns) for d in talks]  # ids and mask of each
rows, targets = [ids for ids, _ in pairs], [shifted_targets(*pair) for pair in pairs]
in_tuning = train(model, rows, targets, 248)  # each conversation once, but for a few
after = answers_of(model, [prompt])[0][0]
print("after fine-tuning:", after)
figure, panels = plt.subplots(1, 2, figsize=(8, 2.6), layout="constrained", facecolor=PAPER)
for axes, losses, name in (
    (panels[0], in_pretraining, "pretraining: all words"),
    (panels[1], in_tuning, "fine-tuning: answers alone"),
):
    dress(axes)
    axes.plot(range(1, len(losses) + 1), losses, color=BLUE)
    axes.set_title(name, loc="left", color=INK, fontsize=11)
    axes.set_xlabel("step")
    axes.set_ylim(0, None)
panels[0].set_ylabel("loss, nats per token")
plt.show()
names = [f"{person.name.english}." for person in grammar.world.people]
assert before not in names
assert after in names
assert np.mean(in_tuning[-20:]) < 0.6 < np.mean(in_tuning[:5])

# %% [markdown]
# *Picture: two falling curves. In pretraining the loss comes down steeply and levels off. In
# fine-tuning, which has more steps, it begins high again, for marks and answers are news to the
# model, and falls lower than before: an answer leaves less room for surprises than a story.*
#
# The pretrained model knows words and sentences, and does not know that it was asked. After some
# hundred steps on conversations the same weights answer.
#
# ## Right by kind
#
# How good is it? One number would hide more than it says. So we ask all the questions of
# conversations that it has not seen, and count by kind. Each answer is true, false, an abstention,
# or **unparseable**, which means that the grammar cannot make out what it claims.


# %%
def questioned(dialogues):
    """Every question with its story and the prompt for it; the turns before it stand right."""
    return [
        (q, d.story, template.apply_chat_template(d.turns[: 2 * turn + 1], True))
        for d in dialogues
        for turn, q in enumerate(d.questions)
    ]


def score_all(model, items):
    """The answers, their scores, and their ids."""
    said, ids = answers_of(model, [prompt for _, _, prompt in items])
    scores = [
        score_answer(q, text, grammar, story)
        for (q, story, _), text in zip(items, said, strict=True)
    ]
    return said, scores, ids


items = questioned(asked)
said, scores, answer_ids = score_all(model, items)
kinds = [q.kind for q, _, _ in items]
groups = [f"{q.about}: {q.kind}" for q, _, _ in items]
right = np.array([is_right(q, score) for (q, _, _), score in zip(items, scores, strict=True)])
for (q, _, _), text in list(zip(items, said, strict=True))[:6]:
    print(f"{q.text:40} {text:30} (right: {q.answer})")

# %%
names = sorted(set(groups), key=lambda name: (name.startswith("world"), name))
figure, axes = plt.subplots(figsize=(7.5, 4), layout="constrained", facecolor=PAPER)
dress(axes)
axes.grid(visible=False)
for place, name in enumerate(names):
    own, left = [s for s, g in zip(scores, groups, strict=True) if g == name], 0.0
    for score, colour in COLOURS.items():
        width = own.count(score) / len(own)
        axes.barh(place, width, left=left, color=colour, label=score if place == 0 else None)
        left += width
axes.set_yticks(range(len(names)), [f"{name} ({groups.count(name)})" for name in names])
axes.invert_yaxis()
axes.set_xlabel("share of answers")
axes.legend(frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.4, 1.13))
plt.show()
is_world = np.array([g.startswith("world") for g in groups])
without = np.array([kind == "unanswerable" for kind in kinds])
of_world, of_context = right[is_world & ~without].mean(), right[~is_world & ~without].mean()
silent = right[without].mean()
print(f"right: the world {of_world:.2f}, the context {of_context:.2f}, without answer {silent:.2f}")
assert of_world > 0.75
assert 0.2 < of_context < of_world - 0.15
assert silent > 0.4

# %% [markdown]
# *Picture: a bar for each kind of question, with the number of questions, cut into true, abstained,
# unparseable and false. Of the world most is true, «who» and «yes or no» with the most mistakes,
# and the unanswerable are abstentions. Of the context a third to not quite half of most kinds is
# true, of «why» next to nothing, and most of the rest is false. The unanswerable are mostly
# abstentions there, too.*
#
# («Yes or no» is answered with what is so, and then the verdict: «A black umbrella, so no.» To be
# right, both must be.) That looks like a model that knows its world, and can read a little. Before
# we believe it, one more count: what does it say most often to questions of one kind?

# %%
for name in ("context: when", "context: who", "world: what", "world: who", "world: two-hop"):
    own = [text for text, group in zip(said, groups, strict=True) if group == name]
    usual = max(sorted(set(own)), key=own.count)
    share = own.count(usual) / len(own)
    print(f"{name:16} {usual:14} {share:.2f} of its answers")
    assert share > 0.5

# %% [markdown]
# To questions of one kind it says one and the same thing, whatever is asked, or nearly so. A third
# of all days happen to be that one; both people of the world that have a known job are bakers.
# Whoever always gives the commonest answer scores well there without reading a word. So hold every
# share against that of such a constant answer, before you praise it.
#
# What the model has learned is which *sort* of answer a question wants: a name to «who», a day to
# «when». What stands in one story it would have to find there and copy, and that it has hardly
# begun to learn. The form is right, the day is made up. That is worth knowing about larger models,
# too: form is learned before content.
#
# (With a longer training and a larger model the copying comes: `docs/dialogue.md` has the numbers.)
#
# ### Exercise 4: `right_by_kind` (easy, 10 minutes, 4 points)
#
# From the lists `kinds` and `scores` give a dictionary: for each kind the share of right answers.
# Right is «true»; but for the kind `"unanswerable"` right is «abstained».


# %%
def right_by_kind(kinds, scores):
    ### BEGIN SOLUTION
    found = {}
    for kind, score in zip(kinds, scores, strict=True):
        wanted = "abstained" if kind == "unanswerable" else "true"
        found.setdefault(kind, []).append(score == wanted)
    return {kind: sum(right) / len(right) for kind, right in found.items()}
    ### END SOLUTION


# %%
check(right_by_kind)

# %% [markdown]
# ### Exercise 5: `made_up_share` (medium, 10 minutes, 4 points)
#
# **Hallucination** is the word for what is made up. Give its share among **all** answers: a false
# claim counts, and so does anything but an abstention where nothing can be known. To abstain where
# there is an answer is wrong, and makes nothing up.


# %%
def made_up_share(kinds, scores):
    ### BEGIN SOLUTION
    made_up = 0
    for kind, score in zip(kinds, scores, strict=True):
        nothing_known = kind == "unanswerable" and score != "abstained"
        made_up += score == "false" or nothing_known
    return made_up / len(kinds)
    ### END SOLUTION


# %%
check(made_up_share)

# %% [markdown]
# ## An experiment: who never heard «I do not know»
#
# Why does the model abstain so well? Is it that it somehow feels that it lacks a fact? Or only
# that it was shown how? Let us fine-tune a **twin**: from the same pretrained weights, on the same
# conversations, with the questions that have no answer taken out. (60 steps of that are enough to
# see it.) Then ask it just those.
#
# ### Predict, then run (4 minutes)
#
# Of the questions without an answer, what share will the twin abstain from? A number from 0 to 1.

# %%
my_guess = None
### BEGIN SOLUTION
my_guess = 0.1
### END SOLUTION

# %%
answerable = [
    Dialogue(d.story, tuple(q for q in d.questions if q.kind != "unanswerable")) for d in talks
]
twin = Decoder(config)
twin.load_state_dict({name: tinyllm.tensor(array) for name, array in pretrained.items()})
pairs = [template.training_row(d.turns) for d in answerable if d.questions]
train(twin, [ids for ids, _ in pairs], [shifted_targets(*pair) for pair in pairs], 60)
unknown = [item for item in items if item[0].kind == "unanswerable"]
twin_said, twin_scores, _ = score_all(twin, unknown)
abstained = twin_scores.count("abstained") / len(unknown)
reveal("16", "the twin's abstentions", my_guess, abstained)
if my_guess is not None:
    for (q, story, _), text in list(zip(unknown, twin_said, strict=True))[:5]:
        print(f"{q.text:42} {text:20} ({'story' if story else 'world'})")
assert silent > 0.4

# %%
assert abstained < 0.05

# %% [markdown]
# It cannot: in all its training an answer was always the thing to give. «I do not know.» is a
# sentence that must be learned like any other, and nothing in the loss asks for it by itself. What
# the twin says instead is plausible, of the right kind, and comes from nowhere. In the loss of
# lesson 10 that is the right thing to do: it bets on what people usually answer.
#
# ## Memory against the story
#
# Megan and Elliot are known to the world, and their jobs are always the same. What if a story says
# something else? In the cell below we take stories about their jobs, exchange the job for the other
# one, and ask. Whom does the model believe, its memory or the page? For comparison we ask for the
# jobs of strangers, which only the page can tell.

# %%
jobs = {"a baker": "a driver", "a driver": "a baker"}


def about_jobs(names):
    """Prompts about the job that a story tells, and the job: as told, and exchanged."""
    found = []
    for story in stories(grammar, 400, seed=9, split="validation"):
        name, _, rest = story.text.partition(" was ")
        job = rest.partition(".")[0]
        if name in names and job in jobs:
            for now in (job, jobs[job]):
                text = story.text.replace(job, now, 1)
                content = f"{text} What was the job of {name}?"
                found.append(([{"role": "user", "content": content}], now, now == job))
    return found


# %%
shares, abstains = {}, {}
for group, people in (
    ("known to the world", ("Megan", "Elliot")),
    ("strangers", ("Fay", "Gordon")),
):
    found = about_jobs(people)
    prompts = [template.apply_chat_template(messages, True) for messages, _, _ in found]
    replies = answers_of(model, prompts)[0]
    for as_told in (True, False):
        own = [
            (reply, job)
            for reply, (_, job, told_so) in zip(replies, found, strict=True)
            if told_so == as_told
        ]
        case = group, "as it was" if as_told else "exchanged"
        shares[case] = np.mean([reply.lower() == f"{job}." for reply, job in own])
        abstains[case] = np.mean([reply == "I do not know." for reply, _ in own])
for case, share in shares.items():
    print(*case, f"  answers as the story says: {share:.2f}, abstains: {abstains[case]:.2f}")

# %%
figure, axes = plt.subplots(figsize=(6.5, 2.6), layout="constrained", facecolor=PAPER)
dress(axes)
labels = [f"{group},\nstory {told_how}" for group, told_how in shares]
bars = axes.bar(labels, list(shares.values()), color=[BLUE, ORANGE] * 2)
axes.bar_label(bars, fmt="%.2f", color=INK)
axes.set_ylim(0, 1.2)
axes.set_ylabel("follows the story")
axes.tick_params(axis="x", labelsize=8)
plt.show()
assert shares["known to the world", "as it was"] > 0.9
assert shares["known to the world", "exchanged"] < 0.2
assert shares["strangers", "as it was"] < 0.5
assert abstains["strangers", "as it was"] > 0.5

# %% [markdown]
# *Picture: four bars, how often the answer follows the story. Of people known to the world: 1.00
# where the story is as it was, and 0.00 where the jobs were exchanged. Of strangers: 0.00 both
# times.*
#
# Of people whom it knows, the model does not read. It answers from memory, also where the page says
# the opposite. (A small memory: both are bakers.) That was right in every story that it was trained
# on, so nothing in training ever asked it to look. Of strangers only the page can tell, and there
# it mostly says «I do not know.», with the answer before its eyes.
#
# So look at its fine abstentions once more. Much of what seemed to be a sense of its limits is a
# habit about two names: asked for Gordon's job, do not know. To count by kind was not enough to see
# that. To exchange one word was.
#
# ## How sure must it be?
#
# The model gives each word of its answer a share. Their product is the share of the whole answer:
# how **sure** the model is. Is it more often right where it is surer? Then we can do without its
# «I do not know.», and keep it silent below a **bar**. A high bar means few answers, and few
# mistakes. The share of questions that are answered is the **coverage**; the share of wrong answers
# among those is the **risk**.

# %%
rows = [[*prompt, *ids, end] for (_, _, prompt), ids in zip(items, answer_ids, strict=True)]
longest = max(map(len, rows))
filled = np.array([row + [end] * (longest - len(row)) for row in rows])  # (N, T + 1)
with inference(model):
    logits = model(tinyllm.tensor(filled[:, :-1]))  # (N, T, V)
targets = tinyllm.tensor(filled[:, 1:].reshape(-1))
prices = F.cross_entropy(logits.flatten(0, 1), targets, reduction="none").numpy()
prices = prices.reshape(len(rows), -1)  # (N, T): of tokens 1 ..
sure = np.array(
    [
        np.exp(-price[len(prompt) - 1 : len(row) - 1].sum())
        for price, row, (_, _, prompt) in zip(prices, rows, items, strict=True)
    ]
)
order = np.argsort(-sure)
coverage = np.arange(1, len(sure) + 1) / len(sure)
risk = np.cumsum(~right[order]) / np.arange(1, len(sure) + 1)
figure, axes = plt.subplots(figsize=(6.5, 2.9), layout="constrained", facecolor=PAPER)
dress(axes)
axes.plot(coverage, risk, color=BLUE)
axes.set_xlabel("coverage: share of questions that are answered, the surest first")
axes.set_ylabel("risk: wrong among them")
axes.set_xlim(0, 1.02)
axes.set_ylim(0, None)
plt.show()
half = risk[len(risk) // 2]
print(f"risk of all answers {risk[-1]:.2f}, of the surer half {half:.2f}")
assert half < 0.6 * risk[-1]

# %% [markdown]
# *Picture: risk against coverage. With few answers the risk is near 0; it rises as less and less
# sure answers are given, and ends where all are.*
#
# The surer half of the answers has much less of the risk: the model has some idea of
# what it does not know. This costs no training, only a look at its shares. But the bar has to be
# chosen, and that is not the model's business: it depends on what a mistake costs.
#
# ### Exercise 6: `coverage_and_risk` (easy, 10 minutes, 4 points)
#
# From `sure` $(N)$, `right` $(N)$ of True and False, and a `bar`: answer where `sure` is at least
# `bar`. Return the pair of coverage and risk. Where nothing is answered, both are 0.


# %%
def coverage_and_risk(sure, right, bar):
    ### BEGIN SOLUTION
    answered = sure >= bar
    if not answered.any():
        return 0.0, 0.0
    return answered.mean(), 1 - right[answered].mean()
    ### END SOLUTION


# %%
check(coverage_and_risk)

# %% [markdown]
# ### Exercise 7: `best_bar` (hard, 18 minutes, 5 points)
#
# A right answer is worth 1, silence 0, a wrong answer `-cost`. Find the bar with the largest sum on
# these answers. It is enough to try the values of `sure` themselves, and infinity for saying
# nothing at all; of equals take the lowest. Return a float.


# %%
def best_bar(sure, right, cost):
    ### BEGIN SOLUTION
    bars = np.append(np.unique(sure), np.inf)
    worth = np.where(right, 1.0, -cost)
    rewards = [worth[sure >= bar].sum() for bar in bars]
    return float(bars[np.argmax(rewards)])
    ### END SOLUTION


# %%
check(best_bar)

# %%
costs = [0, 0.5, 1, 2, 4, 8, 16]
answered_at = []
for cost in costs:
    gains = np.cumsum(np.where(right[order], 1.0, -cost))  # the surest first
    best = len(gains) - int(gains[::-1].argmax()) if gains.max() > 0 else 0  # of equals the lowest
    answered_at.append(best / len(sure))
figure, axes = plt.subplots(figsize=(6, 2.5), layout="constrained", facecolor=PAPER)
dress(axes)
axes.bar_label(axes.bar(list(map(str, costs)), answered_at, color=BLUE), fmt="%.2f", color=INK)
axes.set_ylim(0, 1.2)
axes.set_xlabel("what a wrong answer costs, a right one being worth 1")
axes.set_ylabel("best coverage")
plt.show()
assert answered_at[0] > 0.99
assert all(one >= other for one, other in zip(answered_at, answered_at[1:], strict=False))
assert answered_at[-1] < 0.8

# %% [markdown]
# *Picture: best coverage against the cost of a mistake. Where a mistake costs nothing, everything
# is answered; the dearer it is, the less is said.*
#
# Look at cost 0. Whoever is scored by right answers alone does best to answer always: a guess may
# be right, silence never is. Many tests of language models score just so, and models that are
# chosen by such tests learn to guess. A fair test takes something off for a wrong answer, or says
# beforehand what it costs.
#
# ## What was said before, and what was cut off
#
# A conversation grows, and the context of a model does not. When it is full, something must go, and
# the oldest messages go first: a question always with its answer. In our conversations the story
# stands in the first message. When that is cut off, the model is asked about a story that it
# cannot see any more. Does it notice?

# %%
KINDS = ("who", "where", "when")
late = [
    (q, d.story, template.apply_chat_template(d.turns[: 2 * turn + 1], True),
     template.apply_chat_template(d.turns[2 * turn : 2 * turn + 1], True))
    for d in asked
    for turn, q in enumerate(d.questions)
    if d.story is not None and turn > 0 and q.about == "context" and q.kind in KINDS
]  # fmt: skip
counts = {}
for place, name in ((2, "with the story"), (3, "the story is cut off")):
    found = score_all(model, [(item[0], item[1], item[place]) for item in late])[1]
    counts[name] = {score: found.count(score) / len(late) for score in COLOURS}
figure, axes = plt.subplots(figsize=(6.5, 2.2), layout="constrained", facecolor=PAPER)
dress(axes)
axes.grid(visible=False)
for place, shares_of in enumerate(counts.values()):
    left = 0.0
    for score, colour in COLOURS.items():
        label = score if place == 0 else None
        axes.barh(place, shares_of[score], left=left, color=colour, label=label)
        left += shares_of[score]
axes.set_yticks(range(2), list(counts))
axes.invert_yaxis()
axes.set_xlabel(f"share of {len(late)} answers")
axes.legend(frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.4, 1.25))
plt.show()
assert counts["the story is cut off"]["abstained"] < 0.4
assert counts["the story is cut off"]["false"] > 0.25
for name, shares_of in counts.items():
    print(name, {score: round(share, 2) for score, share in shares_of.items()})

# %% [markdown]
# *Picture: two bars, of the answers with the story and of those without it. They look much alike:
# in both the larger part is false, a smaller one true, and next to none abstains.*
#
# It hardly notices. It abstains no more than before, and says with a straight face what it
# cannot know. That some of it is true is luck: this world has two places and three days to choose
# from. (With the story it does little better, since it has hardly learned to read yet. A better
# reader would lose more.) So do not leave it to the model. The program knows what it has cut off,
# and can say so, as `tinyllm chat` does.
#
# ### Exercise 8: `messages_to_drop` (medium, 10 minutes, 4 points)
#
# `lengths` is a list of the messages' lengths in tokens: question, answer, question, …, and last
# the question that is to be answered. Say how many of the oldest messages must go, a question
# always with its answer, until the sum of the rest is at most `room`. The last question stays,
# even if it alone is too long.


# %%
def messages_to_drop(lengths, room):
    ### BEGIN SOLUTION
    dropped = 0
    while sum(lengths[dropped:]) > room and dropped < len(lengths) - 1:
        dropped += 2
    return dropped
    ### END SOLUTION


# %%
check(messages_to_drop)

# %% [markdown]
# ### An open question (10 minutes, for a teacher to read)
#
# A library wants a chat program that answers from its own catalogue. The firm that sells it says:
# «Our model was right on 92 % of a thousand questions, and it never says that it does not know.»
# What would you ask, what would you measure, and what would you change before you let readers at
# it? Use the words context, abstain, coverage and cost.
#
# <details>
# <summary><em>For a teacher: the rubric, 4 points. It gives the answer.</em></summary>
#
# 1 for asking by kind: which questions, how many without an answer among them, from memory or from
# the catalogue; 1 for seeing that «never says» is a warning: without such questions in training or
# test a model cannot abstain, and every question outside the catalogue is answered with something
# made up; 1 for a measurement: made-up share, or risk against coverage, on held-out questions with
# unanswerable ones among them; 1 for a change that follows: abstentions in fine-tuning, a bar
# chosen by what a mistake costs, or a check that the answer stands in the text that was given.
#
# </details>
#
# ## The full model
#
# What you saw was trained in seconds. In a terminal, `tinyllm course prepare dialogue` trains a
# full one, once, in about 12 minutes on two cores; the next cell then uses it.

# %%
full = prepared("dialogue")
if full is None:
    print("no full model here yet: tinyllm course prepare dialogue")
else:
    question = "Leonard was a judge. He lived in Fairview. Where did Leonard live?"
    print(question, "".join(full.answer([{"role": "user", "content": question}])))

# %% [markdown]
# ## What to remember
#
# - A chat template writes who speaks into the row; its marks are ids that nobody can type.
# - Fine-tuning is the same loop with other rows. Learn the answers and their ends; shift the mask
#   with the ids.
# - Count right answers by kind: world and context, with an answer and without. Hold each share
#   against that of always giving the commonest answer.
# - Made up is not the same as wrong. To abstain must be learned; who never saw it never does it.
# - Risk and coverage are bought from each other. The price of a mistake decides, and a score
#   without one rewards guessing.
# - What is cut off is gone. Drop questions with their answers.
#
# ## Where next
#
# Lesson 17 goes back to labels on words, with a Transformer this time. In the package, `tinyllm
# chat --train` does all of this lesson on the full world; read `tinyllm/tasks/dialogue.py`,
# `tinyllm/tasks/chat_template.py` and `docs/dialogue.md`. And read Kalai et al. 2025, «Why Language
# Models Hallucinate», [arXiv:2509.04664](https://arxiv.org/abs/2509.04664), on guessing and how it
# is rewarded.
