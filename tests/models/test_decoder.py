import json

import numpy as np
import pytest

import tinyllm
from tinyllm import nn, optim
from tinyllm.generation import generate_batch
from tinyllm.models import Decoder, DecoderConfig

# every size a different prime (width = heads * head size; key heads must divide heads)
V, T, B = 37, 13, 3
GPT2 = {
    "vocab_size": V,
    "context_length": T,
    "layers": 2,
    "heads": 5,
    "width": 35,
    "hidden_width": 23,
}
LLAMA = {"vocab_size": V, "context_length": T, "layers": 2, "heads": 6, "width": 60, "kv_heads": 3}
SPEEDRUN = {
    "positions": "rotary",
    "norm": "rms",
    "activation": "relu2",
    "qk_norm": True,
    "qk_gain": 1.7,
    "bias": False,
}
CONFIGS = {
    "gpt2": DecoderConfig.gpt2(**GPT2),
    "llama": DecoderConfig.llama(**LLAMA),
    "gpt2-grouped": DecoderConfig.gpt2(**{**GPT2, "heads": 7}, kv_heads=1, bias=False),
    "speedrun": DecoderConfig(**LLAMA, **SPEEDRUN),
    "llama-packed-less": DecoderConfig.llama(**{**LLAMA, "kv_heads": 6}, tie_embeddings=True),
}


@pytest.fixture(params=CONFIGS)
def model(request):
    tinyllm.manual_seed(7)
    decoder = Decoder(CONFIGS[request.param])
    with tinyllm.no_grad():  # GPT-2's small initial weights hide mistakes
        for parameter in decoder.parameters():
            nn.init.normal_(parameter, 0.0, 0.3)
    return decoder.eval()


def ids(*shape, seed=0):
    return tinyllm.tensor(np.random.default_rng(seed).integers(0, V, shape))


def logits(model, tokens, cache=None):
    with tinyllm.no_grad():
        return model(tokens, cache).numpy()


def test_shapes_loss_and_gradients(model):
    tokens, targets = ids(B, T), ids(B, T, seed=1)
    assert model(tokens).shape == (B, T, V)
    loss = model.loss(tokens, targets)
    assert loss.shape == ()
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert np.abs(parameter.grad.numpy()).max() > 0, name
    scores = logits(model, tokens).astype(np.float64)
    scores -= scores.max(axis=-1, keepdims=True)
    log_p = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    picked = np.take_along_axis(log_p, targets.numpy()[..., None], axis=-1)
    assert loss.item() == pytest.approx(-picked.mean(), rel=1e-5)


def test_targets_that_do_not_count_change_neither_loss_nor_gradients(model):
    tokens, targets = ids(B, T), ids(B, T, seed=1)
    kept = np.random.default_rng(2).random((B, T)) < 0.4
    targets = tinyllm.tensor(np.where(kept, targets.numpy(), -100))
    everywhere = nn.functional.cross_entropy(model(tokens).view(-1, V), targets.flatten())
    everywhere.backward()
    expected = {name: p.grad.numpy().copy() for name, p in model.named_parameters()}
    model.zero_grad()
    loss = model.loss(tokens, targets)
    loss.backward()
    assert loss.item() == pytest.approx(everywhere.item(), rel=1e-6)
    for name, p in model.named_parameters():
        np.testing.assert_allclose(p.grad.numpy(), expected[name], rtol=1e-4, atol=1e-6)


def test_a_later_token_changes_nothing_before_it(model):
    tokens = ids(B, T)
    before = logits(model, tokens)
    for t in range(T):
        changed = tokens.numpy().copy()
        changed[:, t] = (changed[:, t] + 1) % V
        after = logits(model, tinyllm.tensor(changed))
        np.testing.assert_array_equal(after[:, :t], before[:, :t])
        assert (np.abs(after[:, t:] - before[:, t:]).max(axis=(0, 2)) > 1e-4).all()


END = V - 1


@pytest.fixture(params=["gpt2", "speedrun"])
def prefix_model(request):
    settings = {**CONFIGS[request.param].to_dict(), "prefix_end": END}
    tinyllm.manual_seed(7)
    decoder = Decoder(DecoderConfig.from_dict(settings))
    with tinyllm.no_grad():
        for parameter in decoder.parameters():
            nn.init.normal_(parameter, 0.0, 0.3)
    return decoder.eval()


def with_ends(*places):
    """Rows of ids whose ends, if any, stand in the places."""
    rows = ids(len(places), T).numpy() % END
    for row, ends in zip(rows, places, strict=True):
        row[ends] = END
    return rows


def test_what_stands_in_the_prefix_is_read_in_both_directions(prefix_model):
    tokens = with_ends([4, 9], [], [T - 1])
    assert prefix_model._prefix(tokens).tolist() == [5, 0, T], "the first end belongs to it"
    changed = tokens.copy()
    changed[:, 3] = (changed[:, 3] + 1) % END
    before, after = (logits(prefix_model, tinyllm.tensor(x)) for x in (tokens, changed))
    moved = np.abs(before - after).max(axis=2) > 1e-6  # (3, T)
    assert moved[0].all(), "all that stands before sees it, up to the first end"
    assert moved[1].tolist() == [False] * 3 + [True] * (T - 3), "no end, no prefix"
    assert moved[2].all()
    changed = tokens.copy()
    changed[:, 7] = (changed[:, 7] + 1) % END
    after = logits(prefix_model, tinyllm.tensor(changed))
    moved = np.abs(before - after).max(axis=2) > 1e-6
    assert moved[0].tolist() == [False] * 7 + [True] * (T - 7), "behind the end it is causal"
    assert moved[2].all()


def test_a_prefix_with_a_cache_is_as_without(prefix_model):
    tokens = with_ends([4, 9], [], [6])
    whole = logits(prefix_model, tinyllm.tensor(tokens))
    cache, parts, start = prefix_model.new_cache(3), [], 0
    for size in (7, 1, 2, 1, 2):  # the prefixes in one piece
        part = tinyllm.tensor(tokens[:, start : start + size])
        parts.append(logits(prefix_model, part, cache))
        start += size
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-4, atol=1e-5)


def test_texts_with_prefixes_together_are_as_each_alone(prefix_model):
    prompts = [[3, 1, END, 5], [7, END], [2, 4, 6, 8, 10, END, 1]]
    together = generate_batch(prefix_model, prompts, 5, temperature=0)
    for prompt, text in zip(prompts, together, strict=True):
        alone = list(prompt)
        for _ in range(5):  # without a cache
            alone.append(int(logits(prefix_model, tinyllm.tensor([alone]))[0, -1].argmax()))
        assert text == alone[len(prompt) :]


@pytest.mark.parametrize("chunks", [(1,) * T, (5, 1, 4, 3), (T,), (1, 11, 1), (12, 1)])
def test_cached_decoding_gives_the_same_logits(model, chunks):
    tokens = ids(B, T)
    whole = logits(model, tokens)
    cache, parts, start = model.new_cache(B), [], 0
    for size in chunks:
        parts.append(logits(model, tokens[:, start : start + size], cache))
        start += size
        assert cache.length == start
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-5, atol=1e-5)


def test_a_cache_can_be_cut_back_and_used_again(model):
    tokens, others = ids(1, T), ids(1, T, seed=4)
    cache = model.new_cache()
    logits(model, others[:, :9], cache)
    cache.reset()
    logits(model, tokens[:, :6], cache)
    logits(model, others[:, :3], cache)
    cache.truncate(6)
    end = logits(model, tokens[:, 6:], cache)
    np.testing.assert_allclose(end, logits(model, tokens)[:, 6:], rtol=1e-5, atol=1e-5)


def test_a_broken_forward_leaves_no_trace_in_the_cache(model):
    tokens, cache = ids(1, T), model.new_cache()
    logits(model, tokens[:, :4], cache)
    handle = model.blocks[1].register_forward_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        logits(model, tokens[:, 4:6], cache)
    handle.remove()
    end = logits(model, tokens[:, 4:], cache)
    np.testing.assert_allclose(end, logits(model, tokens)[:, 4:], rtol=1e-5, atol=1e-5)


def test_state_dict_round_trip(model):
    twin = Decoder(DecoderConfig.from_dict(json.loads(json.dumps(model.config.to_dict())))).eval()
    twin.load_state_dict({name: t.numpy() for name, t in model.state_dict().items()})
    np.testing.assert_array_equal(logits(twin, ids(B, T)), logits(model, ids(B, T)))


def test_gpt2_keys():
    block = ["norm_1", "attention.qkv", "attention.out", "norm_2", "mlp.up", "mlp.down"]
    names = [f"blocks.{i}.{layer}" for i in range(2) for layer in block] + ["norm"]
    expected = ["token_embedding.weight", "position_embedding.weight"]
    expected += [f"{name}.{kind}" for name in names for kind in ("weight", "bias")]
    assert list(Decoder(CONFIGS["gpt2"]).state_dict()) == expected


def test_llama_keys():
    block = ["norm_1", "attention.qkv", "attention.out"]
    block += ["norm_2", "mlp.up", "mlp.gate", "mlp.down"]
    names = [f"blocks.{i}.{layer}" for i in range(2) for layer in block]
    expected = [f"{name}.weight" for name in ("token_embedding", *names, "norm", "head")]
    model = Decoder(CONFIGS["llama"])
    assert list(model.state_dict()) == expected
    assert model.blocks[0].attention.qkv.weight.shape == (60 + 2 * 30, 60)
    assert model.config.hidden_width == 160
    assert DecoderConfig.llama(vocab_size=5, width=128).hidden_width == 344  # 341.3 up to 8s


def test_num_parameters_counts_tied_once():
    config = DecoderConfig.gpt2(vocab_size=65)  # nanoGPT's character model, biases included
    C, layer = 128, 12 * 128 * 128 + 13 * 128
    assert Decoder(config).num_parameters() == (65 + 64) * C + 4 * layer + 2 * C
    untied = DecoderConfig.gpt2(vocab_size=65, tie_embeddings=False)
    assert Decoder(untied).num_parameters() - Decoder(config).num_parameters() == 65 * C


def test_a_tied_weight_gets_both_gradients_and_one_step():
    model = Decoder(CONFIGS["gpt2"])
    tokens = ids(B, T)
    model.loss(tokens, tokens).backward()
    tied = model.token_embedding.weight.grad.numpy().copy()
    unused = np.setdiff1d(np.arange(V), tokens.numpy())
    assert (tied[unused] != 0).any(), "the head's share"
    before = model.token_embedding.weight.detach().numpy().copy()
    optim.SGD(model.parameters(), lr=0.5).step()
    after = model.token_embedding.weight.detach().numpy()
    np.testing.assert_allclose(after, before - np.float32(0.5) * tied, rtol=1e-6)


def test_initial_weights_are_gpt2s():
    tinyllm.manual_seed(3)
    model = Decoder(DecoderConfig.gpt2(vocab_size=211, layers=8, width=128))
    for name, parameter in model.named_parameters():
        values = parameter.detach().numpy()
        if name.endswith("bias"):
            assert (values == 0).all(), name
        elif parameter.ndim == 1:
            assert (values == 1).all(), name
        else:
            ends = name.endswith(("out.weight", "down.weight"))
            assert values.std() == pytest.approx(0.02 / 4 if ends else 0.02, rel=0.05), name
    loss = model.loss(ids(B, T), ids(B, T, seed=1)).item()
    assert loss == pytest.approx(np.log(211), abs=0.2)
    apart = Decoder(DecoderConfig.gpt2(vocab_size=211, width=128, embedding_std=0.3))
    for name, std in (("token_embedding", 0.3), ("position_embedding", 0.02)):
        values = apart.get_parameter(f"{name}.weight").detach().numpy()
        assert values.std() == pytest.approx(std, rel=0.05), name


def test_dropout_is_random_in_training_and_absent_in_evaluation():
    model = Decoder(DecoderConfig.gpt2(**GPT2, dropout=0.3))
    tokens = ids(1, T)
    assert (logits(model, tokens) != logits(model, tokens)).any()
    tinyllm.manual_seed(9)
    first = logits(model, tokens)
    tinyllm.manual_seed(9)
    np.testing.assert_array_equal(logits(model, tokens), first)
    model.eval()
    np.testing.assert_array_equal(logits(model, tokens), logits(model, tokens))


def test_training_learns_a_text_by_heart():
    tinyllm.manual_seed(2)
    model = Decoder(DecoderConfig.llama(**LLAMA))
    optimizer = optim.AdamW(model.parameters(), lr=1e-2)
    text = ids(1, T + 1)
    for _ in range(60):
        optimizer.zero_grad()
        loss = model.loss(text[:, :-1], text[:, 1:])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    assert loss.item() < 0.05


def test_errors_name_what_disagrees(model):
    with pytest.raises(ValueError, match="14 tokens in ids exceed context_length 13"):
        model(ids(1, T + 1))
    cache = model.new_cache()
    logits(model, ids(1, 10), cache)
    with pytest.raises(ValueError, match="10 tokens in the cache and 4 tokens in ids exceed"):
        logits(model, ids(1, 4), cache)
    with pytest.raises(ValueError, match="capacity 5"):
        logits(model, ids(1, 6), model.new_cache(capacity=5))
    with pytest.raises(ValueError, match="made for this model and batch size"):
        logits(model, ids(2, 6), model.new_cache(batch_size=3))
    with pytest.raises(RuntimeError, match="no_grad"):
        model(ids(1, 6), model.new_cache())
    with pytest.raises(ValueError, match=r"must be \(B, T\).*shape \(5,\)"):
        model(ids(5))
    with pytest.raises(ValueError, match="at least one token"):
        model(ids(1, 0))
    with pytest.raises(TypeError, match="not ndarray"):
        model(np.zeros((1, 3), int))
    with pytest.raises(IndexError, match=r"token id 37 at \[0, 1\] is outside \[0, 37\)"):
        model(tinyllm.tensor([[3, 37]]))
    with pytest.raises(TypeError, match="integer"):
        model(tinyllm.zeros(1, 3))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 10, "heads": 4}, "width 10 must be a multiple of heads 4"),
        ({"heads": 4, "kv_heads": 3}, "heads 4 must be a multiple of kv_heads 3"),
        ({"width": 12, "heads": 4, "positions": "rotary"}, "even head size"),
        ({"norm": "batch"}, "norm must be one of"),
        ({"layers": 0}, "layers must be at least 1"),
        ({"dropout": 1.0}, "below 1"),
        ({"qk_gain": 0.0}, "qk_gain must be above 0"),
        ({"qk_gain": 2.0}, "qk_gain 2.0 needs qk_norm"),
        ({"embedding_std": 0.0}, "embedding_std must be above 0"),
        ({"prefix_end": 5}, "prefix_end must be a token id below vocab_size 5, not 5"),
    ],
)
def test_impossible_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        DecoderConfig(vocab_size=5, **settings)


def test_from_dict_lists_what_is_wrong():
    settings = CONFIGS["gpt2"].to_dict()
    del settings["vocab_size"]
    settings["widht"] = 3
    with pytest.raises(ValueError, match=r"unknown keys \['widht'\] and missing keys \['vocab_"):
        DecoderConfig.from_dict(settings)
    with pytest.raises(TypeError, match="width must be an int, not '128'"):
        DecoderConfig(vocab_size=5, width="128")
    assert DecoderConfig.from_dict(CONFIGS["llama"].to_dict()) == CONFIGS["llama"]


def test_branches_that_begin_at_zero_leave_the_stream_alone():
    tinyllm.manual_seed(3)
    model = Decoder(DecoderConfig(**LLAMA, **SPEEDRUN, zero_init_branches=True))
    x = tinyllm.randn(B, T, 60)
    for block in model.blocks:
        np.testing.assert_array_equal(block(x).detach().numpy(), x.numpy())
        assert np.abs(block.attention.qkv.weight.array).max() > 0
    model.loss(ids(B, T), ids(B, T, seed=1)).backward()
    for block in model.blocks:  # the branch's end learns first, the rest once it is not 0
        assert np.abs(block.mlp.down.weight.grad.numpy()).max() > 0
        assert np.abs(block.mlp.up.weight.grad.numpy()).max() == 0


def test_options_that_older_runs_do_not_name_are_off():
    older = dict(CONFIGS["gpt2"].to_dict())
    del older["qk_norm"], older["zero_init_branches"]
    assert DecoderConfig.from_dict(older) == CONFIGS["gpt2"]


def test_scores_of_normalised_queries_and_keys_do_not_grow_with_the_weights():
    tinyllm.manual_seed(5)
    model = Decoder(DecoderConfig(**LLAMA, **SPEEDRUN)).eval()
    before = logits(model, ids(B, T))
    with tinyllm.no_grad():
        for block in model.blocks:
            queries_and_keys = (6 + 3) * 10
            block.attention.qkv.weight[:queries_and_keys] *= 100.0
    np.testing.assert_allclose(logits(model, ids(B, T)), before, atol=2e-3)
