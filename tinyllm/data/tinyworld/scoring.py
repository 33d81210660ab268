"""How good is a translator, a summariser, somebody who answers? Scores with their intervals.

An interval says how far a score would move on other stories: whole stories are drawn with
replacement, with all their sentences or questions, since those of one story are not independent.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyllm.data.tinyworld.chinese import accepts_sentence, references
from tinyllm.data.tinyworld.grammar import Grammar
from tinyllm.data.tinyworld.questions import KINDS_OF_QUESTION, Question, is_right, score_answer
from tinyllm.data.tinyworld.sampling import is_novel
from tinyllm.data.tinyworld.story import Story
from tinyllm.data.tinyworld.summaries import lead, summary
from tinyllm.data.tinyworld.truth import judge
from tinyllm.metrics import Score, bleu, chrf, exact_match, rouge
from tinyllm.metrics.labels import Share, share

JUDGEMENTS = ("true", "false", "unknown", "unparseable")
ANSWERS = ("true", "false", "abstained", "unparseable")
REFERENCES = 8
_ORACLE = 2**32  # its draws are another stream than the references'


class _Report:
    """What the reports below have in common: a table to read and a dict for JSON."""

    def _lines(self) -> list[tuple[str, Any]]:
        raise NotImplementedError

    def __str__(self) -> str:
        lines = self._lines()
        width = max(len(name) for name, _ in lines)
        return "\n".join(f"{name:<{width}}  {_shown(value)}".rstrip() for name, value in lines)

    def to_dict(self) -> dict[str, Any]:
        """Give what can be written as JSON."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}


def _shown(value: Any) -> str:
    if not isinstance(value, Score):
        return str(value)
    return str(value).removeprefix(f"{value.name} ")


def _plain(value: Any) -> Any:
    if isinstance(value, Score | _Report):
        return value.to_dict()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


def _by_group(score: Score, groups: Sequence[Hashable]) -> Score:
    """Give the score its interval, of resamples of whole groups; none where there is but one."""
    numbers = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    sums = np.zeros((len(numbers), score.statistics.shape[1]))
    np.add.at(sums, [numbers[group] for group in groups], score.statistics)
    score = dataclasses.replace(score, statistics=sums)
    return score.with_interval() if len(numbers) > 1 else score


def _of_two(name: str, system: Score, other: Score, combine: Callable, digits: int) -> Score:
    """Make one score of two, measured on the same texts, so that both are resampled alike."""
    columns = system.statistics.shape[1]

    def from_sums(sums: np.ndarray) -> float:
        return combine(system.from_sums(sums[:columns]), other.from_sums(sums[columns:]))

    both = np.hstack([system.statistics, other.statistics])
    score = combine(system.score, other.score)
    return Score(name=name, score=score, statistics=both, from_sums=from_sums, digits=digits)


def _check(who: str, asked: str, one: Sequence, given: str, other: Sequence) -> None:
    if isinstance(other, str):
        raise TypeError(f"{who}: {given} is a str, not a list with one for each of {asked}")
    if not one:
        raise ValueError(f"{who}: {asked} is empty: there is nothing to measure")
    if len(one) != len(other):
        raise ValueError(f"{who}: {len(one)} {asked} and {len(other)} {given}: one for each")


# Translations


@dataclass(frozen=True)
class TranslationScores(_Report):
    """How good translations are.

    accepted, accepted_stories: share of sentences, and of whole stories, that are accepted
    bleu, chrf: against several drawn references, sentence by sentence
    oracle:     BLEU of translations that are right, one drawn afresh for each sentence
    relative:   bleu / oracle's, their interval paired
    novel:      the same of those sentences alone that pair a person and an event never seen
                together in training; None if there are none
    """

    stories: int
    sentences: int
    accepted: Share
    accepted_stories: Share
    bleu: Score
    chrf: Score
    oracle: Score
    relative: Score
    novel: TranslationScores | None = None

    def _lines(self) -> list[tuple[str, Any]]:
        found = [
            ("stories, sentences", f"{self.stories}, {self.sentences}"),
            ("sentences accepted", self.accepted),
            ("stories accepted", self.accepted_stories),
            ("BLEU", self.bleu),
            ("chrF", self.chrf),
            ("BLEU of the oracle", self.oracle),
            ("BLEU / the oracle's", self.relative),
        ]
        if self.novel is not None:
            found += [("of what is novel:", ""), *self.novel._lines()[:2], *self.novel._lines()[3:]]
        return found


def score_translations(
    stories: Sequence[Story],
    hypotheses: Sequence[Sequence[str] | str],
    count: int = REFERENCES,
    seed: int = 0,
) -> TranslationScores:
    """Score Chinese translations of stories.

    Args:    hypotheses: of each story the translations of its sentences; or one text, which is cut
                 after each 。 (what is too many is joined to the last, what is missing is empty)
             count: references for BLEU and chrF, 1 to 8
             seed: of the references and of the oracle
    Raises:  TypeError, ValueError for lists that do not match.
    """
    _check("score_translations", "stories", stories, "hypotheses", hypotheses)
    rows = []
    for number, (story, texts) in enumerate(zip(stories, hypotheses, strict=True)):
        cut = _cut(texts, len(story.sentences))
        if len(cut) != len(story.sentences):
            raise ValueError(
                f"score_translations: hypotheses[{number}] has {len(cut)} sentences, its story "
                f"{len(story.sentences)}: give a translation of each, or one text"
            )
        drawn = references(story, count, seed + number)
        (oracle,) = references(story, 1, seed + number + _ORACLE)
        for i, sentence in enumerate(story.sentences):
            right = accepts_sentence(sentence, cut[i])
            known = [reference[i] for reference in drawn]
            rows.append((number, cut[i], right, known, oracle[i], is_novel(sentence)))
    novel = [row for row in rows if row[-1]]
    return _translation_scores(rows, _translation_scores(novel) if novel else None)


def _cut(texts: Sequence[str] | str, count: int) -> list[str]:
    if not isinstance(texts, str):
        return list(texts)
    cut = [f"{text}。" for text in "".join(texts.split()).split("。")]
    cut[-1] = cut[-1][:-1]  # what follows the last full stop, most often nothing
    cut = [text for text in cut if text]
    return [*cut[: count - 1], "".join(cut[count - 1 :])] + [""] * (count - len(cut) - 1)


def _translation_scores(
    rows: list[tuple], novel: TranslationScores | None = None
) -> TranslationScores:
    groups, hypotheses, right, known, oracles, _ = zip(*rows, strict=True)
    sets = list(zip(*known, strict=True))
    ours = bleu(hypotheses, sets, tokenize="zh", force=True)
    oracle = bleu(oracles, sets, tokenize="zh", force=True)
    of_stories: dict[int, bool] = {}
    for group, accepted in zip(groups, right, strict=True):
        of_stories[group] = of_stories.get(group, True) and accepted
    whole = share("accepted stories", [(ok, 1) for ok in of_stories.values()])
    relative = _of_two("BLEU / oracle", ours, oracle, lambda a, b: a / b if b else 0.0, 4)
    return TranslationScores(
        stories=len(of_stories),
        sentences=len(rows),
        accepted=_by_group(share("accepted", [(ok, 1) for ok in right]), groups),
        accepted_stories=_by_group(whole, list(of_stories)),
        bleu=_by_group(ours, groups),
        chrf=_by_group(chrf(hypotheses, sets), groups),
        oracle=_by_group(oracle, groups),
        relative=_by_group(relative, groups),
        novel=novel,
    )


# Summaries


@dataclass(frozen=True)
class SummaryScores(_Report):
    """How good summaries are.

    judged:     how many are true, false, unknown and unparseable of their story
    true:       share of true ones; a true sentence need not be a good summary
    equal:      share that are the summary word for word
    rouge_l:    ROUGE-L (F) against the summary
    lead:       that of the story's first sentence
    difference: rouge_l - lead, its interval paired
    """

    stories: int
    judged: dict[str, int]
    true: Share
    equal: Share
    rouge_l: Score
    lead: Score
    difference: Score

    def _lines(self) -> list[tuple[str, Any]]:
        return [
            ("stories", self.stories),
            ("judged", ", ".join(f"{n} {name}" for name, n in self.judged.items())),
            ("true of their story", self.true),
            ("equal to the summary", self.equal),
            ("ROUGE-L", self.rouge_l),
            ("ROUGE-L of the lead", self.lead),
            ("above the lead by", self.difference),
        ]


def score_summaries(
    stories: Sequence[Story], hypotheses: Sequence[str], grammar: Grammar
) -> SummaryScores:
    """Score summaries of stories.

    Raises:  TypeError, ValueError for lists that do not match.
    """
    _check("score_summaries", "stories", stories, "hypotheses", hypotheses)
    pairs = zip(hypotheses, stories, strict=True)
    judged = [judge(text, grammar, story) for text, story in pairs]
    wanted = [[summary(story) for story in stories]]
    ours = rouge(hypotheses, wanted, ["rougeL"])["rougeL"]
    leads = rouge([lead(story) for story in stories], wanted, ["rougeL"])["rougeL"]
    difference = _of_two("ROUGE-L above the lead", ours, leads, lambda a, b: a - b, 4)
    groups = range(len(stories))
    counts = Counter(judged)
    return SummaryScores(
        stories=len(stories),
        judged={name: counts[name] for name in JUDGEMENTS},
        true=_by_group(share("true", [(name == "true", 1) for name in judged]), groups),
        equal=_by_group(exact_match(hypotheses, wanted), groups),
        rouge_l=_by_group(ours, groups),
        lead=_by_group(leads, groups),
        difference=_by_group(difference, groups),
    )


# Answers


@dataclass(frozen=True)
class AnswerRow(_Report):
    """The answers to one kind of question about one source: their counts and the share of right."""

    about: str
    kind: str
    counts: dict[str, int]
    right: Share

    def __str__(self) -> str:
        counts = "".join(f"{self.counts[name]:>12}" for name in ANSWERS)
        return f"{self.about:<8} {self.kind:<13}{counts}  {_shown(self.right)}"


@dataclass(frozen=True)
class AnswerScores(_Report):
    """How good answers are.

    rows:           for each source (context, world) and kind of question
    right:          share of all that are right
    one_hop:        of questions that the context answers in one step; None if none was asked
    two_hop:        of the others that the context answers; None if none was asked
    hallucinations: share of ALL answers that claim what is false, or say anything but that they
                    do not know where there is nothing to be known
    """

    questions: int
    rows: tuple[AnswerRow, ...]
    right: Share
    one_hop: Share | None
    two_hop: Share | None
    hallucinations: Share

    def __str__(self) -> str:
        head = f"{'about':<8} {'kind':<13}" + "".join(f"{name:>12}" for name in ANSWERS)
        return "\n".join([f"{head}  right", *map(str, self.rows), "", super().__str__()])

    def _lines(self) -> list[tuple[str, Any]]:
        return [
            ("questions", self.questions),
            ("right", self.right),
            ("right, context, one hop", "none asked" if self.one_hop is None else self.one_hop),
            ("right, context, two hops", "none asked" if self.two_hop is None else self.two_hop),
            ("hallucinations", self.hallucinations),
        ]

    def to_dict(self) -> dict[str, Any]:
        """Give what can be written as JSON."""
        return super().to_dict() | {"rows": [row.to_dict() for row in self.rows]}


def score_answers(
    questions: Sequence[Question],
    answers: Sequence[str],
    grammar: Grammar,
    stories: Sequence[Story | None] | None = None,
) -> AnswerScores:
    """Score answers to questions.

    Args:    stories: what each question is asked about, None where it is the world; without this
                 list all are about the world
    Raises:  TypeError, ValueError for lists that do not match.
    """
    _check("score_answers", "questions", questions, "answers", answers)
    stories = [None] * len(questions) if stories is None else stories
    _check("score_answers", "questions", questions, "stories", stories)
    scores = [
        score_answer(question, answer, grammar, story)
        for question, answer, story in zip(questions, answers, stories, strict=True)
    ]
    groups = [("world", i) if s is None else ("story", id(s)) for i, s in enumerate(stories)]
    right = [is_right(q, score) for q, score in zip(questions, scores, strict=True)]

    def share_of(name: str, wanted: Sequence[bool], hits: Sequence[bool]) -> Share | None:
        rows = [(int(hit), 1) for hit, want in zip(hits, wanted, strict=True) if want]
        chosen = [group for group, want in zip(groups, wanted, strict=True) if want]
        return _by_group(share(name, rows), chosen) if rows else None

    def are(about: str, *kinds: str) -> list[bool]:
        return [q.about == about and q.kind in kinds for q in questions]

    rows = []
    for about in ("context", "world"):
        for kind in KINDS_OF_QUESTION:
            wanted = are(about, kind)
            if any(wanted):
                counts = Counter(s for s, want in zip(scores, wanted, strict=True) if want)
                counted = {name: counts[name] for name in ANSWERS}
                rows.append(AnswerRow(about, kind, counted, share_of("right", wanted, right)))
    everything = [True] * len(questions)
    made_up = [
        _hallucinated(q, answer, score)
        for q, answer, score in zip(questions, answers, scores, strict=True)
    ]
    one_hop = [kind for kind in KINDS_OF_QUESTION if kind not in {"two-hop", "unanswerable"}]
    return AnswerScores(
        questions=len(questions),
        rows=tuple(rows),
        right=share_of("right", everything, right),
        one_hop=share_of("right, one hop", are("context", *one_hop), right),
        two_hop=share_of("right, two hops", are("context", "two-hop"), right),
        hallucinations=share_of("hallucinations", everything, made_up),
    )


def _hallucinated(question: Question, answer: str, score: str) -> bool:
    if question.kind == "unanswerable":
        return score != "abstained" and bool(answer.strip())
    return score == "false"
