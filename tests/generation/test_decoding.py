"""Batches and beams: against writing one by one, without a cache, and against trying everything."""

import itertools
import sys

import numpy as np
import pytest

import tinyllm
from tinyllm import tensor
from tinyllm.generation import beam_search, generate, generate_batch
from tinyllm.models import Decoder, DecoderConfig, Seq2Seq, Seq2SeqConfig

beam_search_module = sys.modules["tinyllm.generation.beam_search"]  # the function hides it
V, CONTEXT, END = 23, 11, 2
STOPS = [7, 9, 12, 18, 21]


def sharpened(model, factor=6):
    for parameter in model.parameters():
        if parameter.ndim == 2:
            parameter.array *= factor  # so that the next token depends on all that stand before
    return model


def gpt2(**changes):
    sizes = {"vocab_size": V, "context_length": CONTEXT, "layers": 2, "heads": 4, "width": 16}
    return sharpened(Decoder(DecoderConfig.gpt2(**{**sizes, **changes})), 10)


def llama():
    sizes = {"vocab_size": V, "context_length": CONTEXT, "layers": 2, "heads": 4, "width": 16}
    return sharpened(Decoder(DecoderConfig.llama(kv_heads=2, **sizes)), 10)


def seq2seq(**changes):
    sizes = {"vocab_size": V, "source_vocab_size": 19, "context_length": CONTEXT, "width": 20}
    sizes |= {"encoder_layers": 2, "decoder_layers": 3, "heads": 5, "tie_embeddings": False}
    return sharpened(Seq2Seq(Seq2SeqConfig(**{**sizes, **changes})), 3)


MODELS = {"gpt2": gpt2, "llama": llama, "seq2seq": seq2seq}


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]()


def prompts(count=7, longest=CONTEXT, vocab=19):
    rng = np.random.default_rng(5)
    return [rng.integers(3, vocab, rng.integers(1, longest + 1)).tolist() for _ in range(count)]


def next_logits(model, prompt, text):
    """Without any cache: the logits after prompt and text, or after the target of a source."""
    with tinyllm.no_grad():
        if isinstance(model, Seq2Seq):
            decoder_input = [[model.config.start_id, *text]]
            model.eval()
            return model(tensor([prompt]), tensor(decoder_input)).array[0, -1]
        return model(tensor([[*prompt, *text]])).array[0, -1]


def greedy_by_hand(model, prompt, count, ends=()):
    text = []
    for _ in range(count):
        token = int(np.argmax(next_logits(model, prompt, text)))
        if token in ends:
            break
        text.append(token)
    return text


def test_seq2seq_with_and_without_a_cache():
    model = seq2seq()
    written = [list(generate(model, prompt, 99, temperature=0)) for prompt in prompts(20)]
    by_hand = [greedy_by_hand(model, prompt, CONTEXT, {END}) for prompt in prompts(20)]
    assert written == by_hand
    lengths = {len(text) for text in written}
    assert CONTEXT in lengths, "the longest target fills the context"
    assert len(lengths) > 2, "some end before it"


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_a_batch_is_as_each_alone(model, batch_size):
    given = prompts(9, 2 * CONTEXT if isinstance(model, Decoder) else CONTEXT)
    before = [list(prompt) for prompt in given]
    whole = generate_batch(model, given, 30, temperature=0)
    stop = {whole[0][2], whole[1][6], whole[2][9]}
    alone = [list(generate(model, prompt, 30, temperature=0, stop=stop)) for prompt in given]
    together = generate_batch(model, given, 30, temperature=0, stop=stop, batch_size=batch_size)
    assert together == alone
    assert given == before
    assert len({len(text) for text in alone}) > 2


def test_batches_draw_by_the_seed(model):
    def drawn(seed):
        return generate_batch(model, prompts(), 8, generator=tinyllm.Generator(seed))

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert generate_batch(model, [], 5) == []


def test_settings_reach_every_kind_of_model(model):
    prompt = prompts()[3]
    for token in (5, 11):
        forced = generate(model, prompt, 4, logit_bias={token: np.inf}, temperature=0)
        assert list(forced) == [token] * 4
    text = list(generate(model, prompt, 9, temperature=0, no_repeat_ngram_size=1, stop=[]))
    assert len(set(text)) == len(text)
    likely = list(generate(model, prompt, 9, min_p=1.0, generator=tinyllm.Generator(3)))
    assert likely == list(generate(model, prompt, 9, temperature=0))
    repeated = list(generate(model, prompt, 9, temperature=0, repetition_penalty=1e-9))
    assert len(set(repeated[1:])) == 1, "a penalty near 0 is a reward"


def test_one_beam_is_greedy(model):
    for prompt in prompts(9):
        stop = STOPS if isinstance(model, Decoder) else []
        (best,) = beam_search(model, [prompt], 9, num_beams=1, stop=stop)[0]
        assert best.tokens == list(generate(model, prompt, 9, temperature=0, stop=stop))


def everything(model, prompt, longest, ends, length_penalty):
    """Every text of up to `longest` tokens that ends, or is that long, with its score."""
    found = []
    vocabulary = range(model.config.vocab_size)
    for length in range(1, longest + 1):
        for text in itertools.product(vocabulary, repeat=length):
            if any(token in ends for token in text[:-1]):
                continue
            if text[-1] not in ends and length < longest:
                continue
            log_prob = sum(
                float(log_softmax(next_logits(model, prompt, text[:place]))[token])
                for place, token in enumerate(text)
            )
            tokens = text[:-1] if text[-1] in ends else text
            found.append((log_prob / length**length_penalty, list(tokens), text[-1] in ends))
    return sorted(found, key=lambda each: -each[0])


def log_softmax(logits):
    logits = logits.astype(np.float64) - logits.max()
    return logits - np.log(np.exp(logits).sum())


@pytest.mark.parametrize("length_penalty", [0.0, 1.0, 2.0, -0.5])
@pytest.mark.parametrize("kind", ["decoder", "seq2seq"])
def test_a_wide_beam_finds_the_best_of_all_texts(kind, length_penalty):
    if kind == "decoder":
        model = gpt2(vocab_size=4)
    else:
        model = seq2seq(vocab_size=4, source_vocab_size=None)
    prompt, ends, longest = [3, 1, 3], {END}, 4
    expected = everything(model, prompt, longest, ends, length_penalty)
    got = beam_search(
        model, [prompt], longest, num_beams=4**longest, length_penalty=length_penalty,
        early_stopping="never", num_return_sequences=12, stop=[END],
    )[0]  # fmt: skip
    assert [(each.tokens, each.ended) for each in got] == [each[1:] for each in expected[:12]]
    np.testing.assert_allclose([each.score for each in got], [e[0] for e in expected[:12]], 1e-4)


def test_a_wider_beam_is_no_worse_and_finds_more(model):
    stop = STOPS if isinstance(model, Decoder) else []
    found = {
        beams: beam_search(model, prompts(), 8, beams, length_penalty=0, stop=stop)
        for beams in (1, 64)
    }
    scores = {beams: np.array([each[0].score for each in found[beams]]) for beams in found}
    assert (scores[64] >= scores[1] - 1e-6).all()
    assert (scores[64] > scores[1] + 1e-3).any()


def test_beams_of_a_batch_are_those_of_each_alone(model):
    stop = STOPS if isinstance(model, Decoder) else []
    given = prompts(7, CONTEXT)
    settings = {"num_beams": 3, "num_return_sequences": 3, "stop": stop}
    together = beam_search(model, given, 8, **settings)
    for prompt, several in zip(given, together, strict=True):
        alone = beam_search(model, [prompt], 8, **settings)[0]
        assert [each.tokens for each in alone] == [each.tokens for each in several]
        assert [each.score for each in several] == sorted(
            (each.score for each in several), reverse=True
        )


def test_scores_are_of_the_texts_found():
    model, prompt = seq2seq(), prompts()[2]
    for each in beam_search(model, [prompt], 99, 4, length_penalty=0.7, num_return_sequences=4)[0]:
        text = [*each.tokens, END] if each.ended else each.tokens
        log_prob = sum(
            log_softmax(next_logits(model, prompt, text[:place]))[token]
            for place, token in enumerate(text)
        )
        assert each.log_prob == pytest.approx(log_prob, abs=1e-4)
        assert each.score == pytest.approx(log_prob / len(text) ** 0.7, abs=1e-4)


def test_early_stopping_looks_further_each_time():
    model = seq2seq()
    scores = {}
    for early in (True, False, "never"):
        found = beam_search(model, prompts(20), 99, 3, early_stopping=early)
        scores[early] = np.array([each[0].score for each in found])
    assert (scores[False] >= scores[True] - 1e-5).all()
    assert (scores["never"] >= scores[False] - 1e-5).all()
    assert (scores["never"] > scores[True] + 1e-3).any()


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (ValueError, {"num_beams": 0}, r"num_beams = 0 is not a whole number, 1 or more"),
        (
            ValueError,
            {"num_return_sequences": 6},
            r"num_return_sequences = 6 is not in \[1, .* 5\]",
        ),
        (ValueError, {"early_stopping": "soon"}, r"early_stopping = 'soon' is not True, False or"),
        (ValueError, {"repetition_penalty": 0}, r"repetition_penalty = 0 is not above 0"),
        (ValueError, {"no_repeat_ngram_size": -1}, r"no_repeat_ngram_size = -1 is not"),
        (IndexError, {"logit_bias": {V: 1.0}}, r"logit_bias is on token 23, outside \[0, 23\)"),
        (TypeError, {"max_new_tokens": 1.5}, r"max_new_tokens must be a whole number"),
        (TypeError, {"prompts": [["a"]]}, r"ids must be integers"),
    ],
)
def test_errors_of_the_search(kind, settings, message):
    with pytest.raises(kind, match=message):
        beam_search(gpt2(), **{"prompts": [[1]], "max_new_tokens": 5, **settings})


def test_errors_of_a_source():
    model = seq2seq()
    with pytest.raises(ValueError, match="source of 12 tokens exceeds the model's context_length"):
        generate(model, [3] * (CONTEXT + 1), 5)
    with pytest.raises(IndexError, match=r"token id 19 at \[0\] is outside \[0, 19\)"):
        generate(model, [19], 5)
    with pytest.raises(ValueError, match="ids is empty"):
        generate_batch(model, [[3], []], 5)
    with pytest.raises(ValueError, match="min_p = 2 is not a probability"):
        generate(model, [3], 5, min_p=2)
    with pytest.raises(ValueError, match="every token is forbidden"):
        list(generate(gpt2(), [3], 99, no_repeat_ngram_size=1, temperature=0))


class Written:
    """A reader whose probabilities stand in a table: text so far -> those of the next token."""

    ends = frozenset([0])

    def __init__(self, table):
        self.table, self.texts = table, [[]]

    def logits(self):
        with np.errstate(divide="ignore"):
            return np.log(np.array([self.table.get(tuple(t), self.table[...]) for t in self.texts]))

    def select(self, rows):
        self.texts = [list(self.texts[row]) for row in rows]

    def room(self):
        return 99


@pytest.fixture
def found(monkeypatch):
    """Search in a table of probabilities; give the texts of each prompt."""

    def search(table, longest, **settings):
        monkeypatch.setattr(beam_search_module, "reader", lambda model, prompts: Written(table))
        model = gpt2(vocab_size=4)
        return [each.tokens for each in beam_search(model, [[1]], longest, **settings)[0]]

    return search


def test_an_end_that_is_not_among_the_best_is_not_set_aside(found):
    table = {
        (): [0, 0.5, 0.5, 0],
        (1,): [0.5, 0.4, 0, 0.1],
        (2,): [0.35, 0.3, 0.3, 0.05],  # its end, 0.175 in all, is third
        ...: [0.1, 0.9, 0, 0],
    }
    settings = {"length_penalty": 0, "num_return_sequences": 2}
    assert found(table, 3, num_beams=2, **settings) == [[1], [1, 1, 1]]
    assert found(table, 3, num_beams=3, early_stopping="never", **settings) == [[1], [1, 1, 1]]
    assert found(table, 3, num_beams=3, **{**settings, "num_return_sequences": 3})[2] == [2]


def test_when_the_search_ends(found):
    """The end now, or a longer text that is sure after a less likely beginning."""
    table = {(): [0.55, 0.45, 0, 0], (1,) * 4: [1, 0, 0, 0], ...: [0, 1, 0, 0]}
    for early, text in ((True, []), (False, []), ("never", [1] * 4)):
        assert found(table, 5, num_beams=1, early_stopping=early) == [text]
    assert found(table, 5, num_beams=1, early_stopping="never", length_penalty=0) == [[]]


def test_a_batch_reads_one_token_of_each_text_at_a_time():
    model, calls = gpt2(), []
    model.register_forward_hook(lambda module, args, output: calls.append(args[0].shape))
    generate_batch(model, [[3], [3, 4, 5, 6], [5, 6]], 4, temperature=0)
    assert calls == [(3, 4), (3, 1), (3, 1), (3, 1)]
