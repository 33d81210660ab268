"""Scores of translations, summaries and answers: right, wrong and planted mixtures of both."""

import json
from functools import cache

import numpy as np
import pytest

from tests.data.tinyworld.worlds import drawn, grammar_of
from tinyllm.data.tinyworld import (
    Story,
    accepts,
    accepts_sentence,
    chinese,
    conversations,
    is_novel,
    is_right,
    lead,
    references,
    score_answer,
    score_answers,
    score_summaries,
    score_translations,
    sentence_pairs,
    summary,
    summary_pairs,
)
from tinyllm.data.tinyworld.chinese import regex_of, sentence_lattice
from tinyllm.data.tinyworld.questions import ABSTAIN
from tinyllm.metrics import bleu, rouge


@cache
def told(count=60, split="test"):
    return drawn("mini", count, 0, split)


@cache
def asked():
    """Return questions, their usual answers and their stories."""
    talks = list(conversations(told(80, "validation"), grammar_of("mini"), 4, 1))
    pairs = [(q, talk.story) for talk in talks for q in talk.questions]
    questions, about = zip(*pairs, strict=True)
    return questions, [q.answer for q in questions], about


# Translations


def test_right_translations_are_accepted_and_score_as_the_oracle_does():
    drawn_anew = [references(story, 1, 10_000 + i)[0] for i, story in enumerate(told())]
    for hypotheses in (drawn_anew, list(map(chinese, told()))):
        scores = score_translations(told(), hypotheses)
        assert scores.accepted.score == scores.accepted_stories.score == 1.0
        assert 0.97 < scores.relative.score < 1.03
        low, high = scores.relative.interval.low, scores.relative.interval.high
        assert low < scores.relative.score < high < low + 0.05
    assert scores.relative.score == scores.bleu.score / scores.oracle.score
    assert scores.sentences == sum(len(story.sentences) for story in told())


def test_a_share_of_wrong_translations_is_what_it_says():
    hypotheses = [chinese(story) for story in told()]
    for i in range(0, len(hypotheses), 3):
        hypotheses[i] = [hypotheses[i][0].replace("。", "！"), *hypotheses[i][1:]]
    scores = score_translations(told(), hypotheses)
    total = sum(map(len, hypotheses))
    assert scores.accepted.correct == total - 20
    assert scores.accepted_stories.correct == 40
    for i, story in enumerate(told()):
        assert accepts(story, "".join(hypotheses[i])) == (i % 3 > 0)
    flat = [text for texts in hypotheses for text in texts]
    sets = [[references(story, 8, i)[k] for i, story in enumerate(told())] for k in range(8)]
    sets = [[text for texts in one for text in texts] for one in sets]
    assert scores.bleu.score == bleu(flat, sets, tokenize="zh").score


def test_the_interval_is_that_of_whole_stories():
    hypotheses = [chinese(s) if i % 2 else ["" for _ in s.sentences] for i, s in enumerate(told())]
    interval = score_translations(told(), hypotheses).accepted.interval
    # Half of the stories are wrong altogether: as uncertain as 60 throws of a coin, not as 300.
    assert interval.high - interval.low > 2 * 1.96 * np.sqrt(0.25 / 60) * 0.8


def test_what_is_novel_is_scored_apart():
    hypotheses = [
        [text if not is_novel(s) else "不知道。" for s, text in zip(t.sentences, zh, strict=True)]
        for t, zh in ((t, chinese(t)) for t in told())
    ]
    scores = score_translations(told(), hypotheses)
    assert scores.novel.accepted.score == 0.0
    assert scores.novel.sentences == scores.sentences - scores.accepted.correct > 5
    assert (
        score_translations(told(10, "train"), list(map(chinese, told(10, "train")))).novel is None
    )


def test_one_text_is_cut_into_sentences():
    stories = told(4)
    whole = ["".join(chinese(story)) for story in stories]
    assert score_translations(stories, whole).accepted.score == 1.0
    count = [len(story.sentences) for story in stories]
    longer = score_translations(stories, [text + "下雨了。" for text in whole])
    assert longer.accepted.correct == sum(count) - 4
    shorter = score_translations(stories, [text[: text.index("。") + 1] for text in whole])
    assert shorter.accepted.correct == 4
    assert score_translations(stories, [""] * 4).accepted.correct == 0
    spaced = score_translations(stories, [" ".join(text) for text in whole])
    assert spaced.accepted.score == 1.0


def test_one_story_has_scores_without_intervals():
    scores = score_translations(told(1), [chinese(told(1)[0])])
    assert scores.accepted.score == 1.0
    assert scores.accepted.interval is None


# Summaries


def test_summaries_against_the_lead():
    stories, grammar = told(), grammar_of("mini")
    right = score_summaries(stories, list(map(summary, stories)), grammar)
    assert right.true.score == right.equal.score == right.rouge_l.score == 1.0
    assert right.difference.score == 1.0 - right.lead.score
    assert right.difference.interval.low > 0.3
    leads = score_summaries(stories, list(map(lead, stories)), grammar)
    assert leads.difference.score == leads.difference.interval.high == 0.0
    assert leads.equal.score == 0.0
    wanted = [list(map(summary, stories))]
    expected = rouge(list(map(lead, stories)), wanted, ["rougeL"])["rougeL"]
    assert leads.rouge_l.score == leads.lead.score == expected.score


def test_summaries_that_are_false_or_nonsense_are_counted():
    stories, grammar = told(10), grammar_of("mini")
    texts = list(map(summary, stories))
    texts[:4] = ["It thundered on Saturday."] * 2 + ["A nice day.", ""]
    scores = score_summaries(stories, texts, grammar)
    assert scores.judged == {"true": 6, "false": 2, "unknown": 0, "unparseable": 2}
    assert scores.true.correct == scores.equal.correct == 6


# Answers


def test_right_answers_are_right_of_every_kind():
    questions, answers, about = asked()
    scores = score_answers(questions, answers, grammar_of("mini"), about)
    assert scores.right.score == scores.one_hop.score == scores.two_hop.score == 1.0
    assert scores.hallucinations.score == 0.0
    assert {row.about for row in scores.rows} == {"context", "world"}
    assert {row.kind for row in scores.rows} >= {"who", "where", "when", "what", "why", "yes-no"}
    assert sum(sum(row.counts.values()) for row in scores.rows) == len(questions)


def test_to_abstain_is_no_hallucination_and_right_only_where_nothing_is_known():
    questions, answers, about = asked()
    scores = score_answers(questions, [ABSTAIN] * len(questions), grammar_of("mini"), about)
    assert scores.hallucinations.score == 0.0
    assert scores.one_hop.score == 0.0
    assert scores.right.correct == answers.count(ABSTAIN) > 0


def test_false_and_made_up_answers_are_hallucinations_and_nonsense_is_none():
    questions, _, about = asked()
    grammar = grammar_of("mini")
    for answer in ("In Oakham.", "No.", "xyzzy", ""):
        answers = [answer] * len(questions)
        scores = score_answers(questions, answers, grammar, about)
        verdicts = [
            score_answer(q, answer, grammar, s) for q, s in zip(questions, about, strict=True)
        ]
        unanswerable = [q.kind == "unanswerable" for q in questions]
        made_up = sum(
            bool(answer) if nothing else verdict == "false"
            for nothing, verdict in zip(unanswerable, verdicts, strict=True)
        )
        assert scores.hallucinations.correct == made_up
        assert (made_up == 0) == (answer == "")
        right = [is_right(q, v) for q, v in zip(questions, verdicts, strict=True)]
        assert scores.right.correct == sum(right)
        one_hop = [
            ok
            for ok, q in zip(right, questions, strict=True)
            if q.about == "context" and q.kind not in {"two-hop", "unanswerable"}
        ]
        assert (scores.one_hop.correct, scores.one_hop.total) == (sum(one_hop), len(one_hop))


def test_without_stories_all_is_about_the_world():
    pairs = [(q, a) for q, a, s in zip(*asked(), strict=True) if s is None]
    scores = score_answers(*map(list, zip(*pairs, strict=True)), grammar_of("mini"))
    assert scores.right.score == 1.0
    assert scores.one_hop is None
    assert "none asked" in str(scores)


# All three


def reports():
    stories, grammar = told(20), grammar_of("mini")
    questions, answers, about = asked()
    return [
        score_translations(stories, list(map(chinese, stories))),
        score_summaries(stories, list(map(summary, stories)), grammar),
        score_answers(questions, answers, grammar, about),
    ]


def test_reports_are_tables_json_and_the_same_each_time():
    for one, again in zip(reports(), reports(), strict=True):
        written = json.dumps(one.to_dict())
        assert written == json.dumps(again.to_dict())
        assert '"interval"' in written
        assert str(one) == str(again)
        assert "95 %" in str(one)
        assert "object at" not in str(one)
        with pytest.raises(AttributeError):
            one.right = 1.0


def test_refusals_say_what_does_not_match():
    stories, grammar = told(3), grammar_of("mini")
    with pytest.raises(ValueError, match="score_translations: 3 stories and 2 hypotheses"):
        score_translations(stories, [[], []])
    with pytest.raises(ValueError, match=r"hypotheses\[0\] has 0 sentences, its story \d"):
        score_translations(stories, [[], [], []])
    with pytest.raises(TypeError, match="score_summaries: hypotheses is a str"):
        score_summaries(stories, "It rained.", grammar)
    with pytest.raises(ValueError, match="questions is empty"):
        score_answers([], [], grammar)
    with pytest.raises(ValueError, match="not a share from 0"):
        next(conversations(stories, grammar, world=1.0))


# Views


@pytest.mark.parametrize("size", ["mini", "full"])
def test_a_sentence_alone_tells_which_translations_are_accepted(size):
    lattices = {}
    for pair in sentence_pairs(drawn(size, 2000, 3)):
        accepted = regex_of(sentence_lattice(pair.sentence))
        assert lattices.setdefault(pair.english, accepted) == accepted, pair.english


def test_sentence_pairs_are_the_story_s_own():
    pairs = list(sentence_pairs(told()))
    assert [p.chinese for p in pairs] == [text for story in told() for text in chinese(story)]
    assert " ".join(p.english for p in pairs) == " ".join(story.text for story in told())
    assert any(p.novel for p in pairs)
    varied = list(sentence_pairs(told(), generator=3))
    assert varied == list(sentence_pairs(told(), generator=3))
    assert sum(a.chinese != b.chinese for a, b in zip(pairs, varied, strict=True)) > len(pairs) / 2
    assert all(accepts_sentence(p.sentence, p.chinese) for p in varied)


def test_summary_pairs_and_conversations():
    for text, short, story in summary_pairs(told()):
        assert (text, short) == (story.text, summary(story))
    talks = list(conversations(told(), grammar_of("mini"), 2, 5, world=0.5))
    assert [t.story for t in talks if t.story] == list(told())
    assert 30 < sum(t.story is None for t in talks) < 100
    assert [t.turns for t in talks] == [
        t.turns for t in conversations(told(), grammar_of("mini"), 2, 5, world=0.5)
    ]
    assert all(
        isinstance(t.story, Story) for t in conversations(told(), grammar_of("mini"), world=0)
    )
