"""The classic mistakes, and what is said about each: who speaks, the shapes, the likely mend.

A row is a mistake, the kind of error and the words that its message must hold.
"""

import numpy as np
import pytest

import tinyllm
from tinyllm import nn, optim
from tinyllm.models import DecoderConfig
from tinyllm.nn import functional as F  # noqa: N812 - as one imports it
from tinyllm.utils.checkpoint import checkpoint


def ones(*shape, **more):
    return tinyllm.ones(*shape, **more)


def ids(*values):
    return tinyllm.tensor(values)


def leaf():
    return ones(3, 4, requires_grad=True)


def backward_twice():
    loss = (leaf() * leaf()).sum()
    loss.backward()
    loss.backward()


def change_what_backward_needs():
    a, b = leaf(), ones(3, 4)
    loss = (a * b).sum()
    b.add_(1)
    loss.backward()


def forget_super():
    class Model(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

    Model()


def forget_forward():
    class Model(nn.Module):
        pass

    Model()(ones(2))


def attend(query, key, value, **more):
    return F.scaled_dot_product_attention(ones(*query), ones(*key), ones(*value), **more)


def attend_with_mask(mask, **more):
    return attend((2, 4, 3, 8), (2, 4, 7, 8), (2, 4, 7, 8), attn_mask=mask, **more)


def grow_in_place():
    ones(3).add_(ones(2, 3))


def inference_tensor():
    with tinyllm.inference_mode():
        return ones(3, 4)


class Halved(tinyllm.autograd.Function):
    """An op of one's own that forgets a gradient."""

    @staticmethod
    def forward(ctx, x, n):
        return x * n

    @staticmethod
    def backward(ctx, grad_y):
        return grad_y / 2


def change_before_recomputing():
    x = leaf()
    loss = checkpoint(lambda x: x * x, x).sum()
    with tinyllm.no_grad():
        x.add_(1)
    loss.backward()


BOOL = {"dtype": tinyllm.bool}

MISTAKES = [
    # shapes that do not fit together
    ("add", lambda: ones(2, 3) + ones(2, 4), ValueError, "add|(2, 3)|(2, 4)|dim -1: 3 != 4"),
    ("matmul", lambda: ones(2, 3) @ ones(4, 5), ValueError, "matmul|(2, 3)|(4, 5)|K: 3 != 4"),
    ("bmm", lambda: tinyllm.bmm(ones(2, 3, 4), ones(3, 4, 5)), ValueError, "bmm|(2, 3, 4)|matmul"),
    ("mm of three dims", lambda: tinyllm.mm(ones(2, 3, 4), ones(4, 5)), ValueError, "mm|two matri"),
    ("reshape", lambda: ones(2, 3).reshape(4, 2), ValueError, "reshape|(4, 2)|6 elements|(2, 3)"),
    ("view", lambda: ones(2, 3).t().view(6), ValueError, "view|transposed|use .reshape(6,)"),
    ("permute", lambda: ones(2, 3).permute(0, 0), ValueError, "permute|(0, 0)|each of the 2 dims"),
    ("unflatten", lambda: ones(2, 6).unflatten(1, (4, 2)), ValueError, "unflatten|(4, 2)|to 6"),
    ("repeat", lambda: ones(2, 3).repeat(2), ValueError, "repeat|(2,)|2 dims of (2, 3)|use 1"),
    ("pad", lambda: F.pad(ones(2, 3), (3, 0), "reflect"), ValueError, "reflect|(2, 3)|at most 2"),
    ("index_add shapes", lambda: ones(3, 4).index_add(0, ids(1, 2), ones(1, 4)), ValueError,
     "(3, 4)|(2,)|(1, 4)|as long as source"),
    ("cat", lambda: tinyllm.cat([ones(2, 3), ones(3, 4)]), ValueError, "cat|(2, 3)|(3, 4)|dim 0"),
    ("cat of nothing", lambda: tinyllm.cat([]), ValueError, "cat|at least one"),
    ("stack", lambda: tinyllm.stack([ones(2), ones(3)]), ValueError, "stack|(2,)|(3,)|cat joins"),
    ("expand", lambda: ones(2, 3).expand(4, 3), ValueError, "expand|(2, 3)|(4, 3)|size 1"),
    ("split", lambda: ones(5).split([2, 2]), ValueError, "split|[2, 2] sum to 4|5"),
    ("chunk", lambda: ones(4).chunk(0), ValueError, "chunk|at least 1"),
    ("flatten", lambda: ones(2, 3).flatten(1, 0), ValueError, "flatten|start_dim 1"),
    ("t of three dims", lambda: ones(2, 3, 4).t(), ValueError, "t:|(2, 3, 4)|.mT"),
    ("mT of a vector", lambda: ones(3).mT, ValueError, "mT|2 dims|(3,)"),
    ("grow in place", grow_in_place, ValueError, "add_|(2, 3)|(3,)|cannot grow in place"),
    ("ragged lists", lambda: tinyllm.tensor([[1, 2], [3]]), ValueError, "tensor|ragged"),
    # dims and indices that are not there
    ("sum", lambda: ones(2, 3).sum(7), IndexError, "sum|dim 7|[-2, 1]"),
    ("transpose", lambda: ones(2, 3).transpose(0, 5), IndexError, "transpose|dim 5|[-2, 1]"),
    ("softmax", lambda: ones(3).softmax(4), IndexError, "softmax|dim 4"),
    ("squeeze", lambda: ones(2, 3).squeeze(9), IndexError, "squeeze|dim 9"),
    ("index", lambda: ones(3)[5], IndexError, "index 5|size 3|(3,)"),
    ("list of indices", lambda: ones(3)[[0, 7]], IndexError, "index 7|size 3"),
    ("fractional index", lambda: ones(3)[ones(1)], IndexError, "integer or a bool|float32"),
    ("short mask", lambda: ones(3)[ones(2, **BOOL)], IndexError, "size of axis is 3|is 2|(3,)"),
    ("gather", lambda: ones(2, 3).gather(1, ids([7])), IndexError, "index 7 at [0, 0]|[0, 3)"),
    ("scatter", lambda: ones(2, 3).scatter(1, ids([7]), 1), IndexError, "index 7 at [0, 0]|[0, 3)"),
    ("index_add", lambda: ones(3).index_add(0, ids(4), ones(1)), IndexError, "index_add|4|[0, 3)"),
    ("one_hot", lambda: F.one_hot(ids(1, 9), 5), IndexError, "one_hot|class 9 at [1]|[0, 5)"),
    ("backwards", lambda: ones(3)[::-1], ValueError, "forwards|use flip"),
    ("mask of bytes", lambda: ones(3)[ones(3).byte()], IndexError, "uint8|.bool()|.long()"),
    ("topk", lambda: ones(3).topk(5), ValueError, "topk|k = 5|size 3"),
    ("max of nothing", lambda: tinyllm.zeros(0).max(), ValueError, "max|(0,)|no element"),
    # dtypes
    ("mixed matmul", lambda: ones(2, 3) @ ones(3, 2).long(), TypeError, "float32|int64|cast one"),
    ("mean of integers", lambda: ids(1, 2).mean(), TypeError, "mean|int64|.float()"),
    ("fraction into integers", lambda: ids(1, 2).add_(0.5), TypeError, "add_|float32|out-of-place"),
    ("negative power", lambda: ids(1, 2) ** -1, ValueError, "pow|fraction|.float()"),
    ("division by zero", lambda: ids(1, 2) // 0, RuntimeError, "integer division by zero"),
    ("minus of masks", lambda: ones(2, **BOOL) - ones(2, **BOOL), TypeError, "sub|~mask"),
    ("mask of integers", lambda: ones(2).masked_fill(ids(1, 0), 0), TypeError, "int64|mask == 0"),
    ("where of integers", lambda: tinyllm.where(ids(1), 1.0, 2.0), TypeError, "where|x != 0"),
    ("text", lambda: tinyllm.tensor(["a"]), TypeError, "tensor|numbers"),
    ("unknown dtype", lambda: tinyllm.zeros(2, dtype="float31"), TypeError, "float31|tinyllm."),
    ("another device", lambda: ones(2).to("cuda"), ValueError, "cuda|use 'cpu'"),
    ("softmax of integers", lambda: ids(1, 2).softmax(0), TypeError, "softmax|int64|.float()"),
    # one number, and Python
    ("truth of many", lambda: bool(ones(2, 3)), RuntimeError, "(2, 3)|.any() or .all()"),
    ("item of many", lambda: ones(2, 3).item(), RuntimeError, "(2, 3)|6 elements|.tolist()"),
    ("length of a number", lambda: len(tinyllm.tensor(1)), TypeError, "0-d"),
    # the graph
    ("gradient of integers", lambda: ids(1).requires_grad_(), RuntimeError, "int64|.float()"),
    ("int leaf", lambda: tinyllm.tensor([1], requires_grad=True), RuntimeError, "dtype=float32"),
    ("backward of many", lambda: (leaf() * 2).backward(), RuntimeError, "(3, 4)|.sum() or .mean()"),
    ("no graph", lambda: ones(3).sum().backward(), RuntimeError, "no graph|no_grad|requires_grad"),
    ("backward twice", backward_twice, RuntimeError, "freed|retain_graph=True"),
    ("gradient's shape", lambda: (leaf() * 2).backward(ones(2)), RuntimeError, "(2,)|(3, 4)"),
    ("in place on a leaf", lambda: leaf().add_(1), RuntimeError, "add_|leaf|no_grad()"),
    ("in place on a graph", lambda: (leaf() * 2).mul_(2), RuntimeError, "mul_|graph|out-of-place"),
    ("item of a leaf", lambda: leaf().__setitem__(0, 0), RuntimeError, "setitem|leaf|no_grad()"),
    ("changed before backward", change_what_backward_needs, RuntimeError, "MulBackward|clone()"),
    ("in place on expand", lambda: ones(1).expand(3).add_(1), RuntimeError, "expand|.clone()"),
    ("double backward", lambda: leaf().sum().backward(create_graph=True), RuntimeError, "double"),
    ("unused input", lambda: tinyllm.autograd.grad(leaf().sum(), leaf()), RuntimeError,
     "input 0|(3, 4)|allow_unused=True"),
    ("grad of no leaf", lambda: tinyllm.autograd.grad(leaf().sum(), ones(2)), RuntimeError,
     "input 0|(2,)|requires_grad_()"),
    ("gradients forgotten", lambda: Halved.apply(leaf(), 2).sum().backward(), RuntimeError,
     "HalvedBackward|expected 2|got 1|None"),
    ("Function called", lambda: Halved()(leaf(), 2), RuntimeError, "Halved.apply("),
    ("inference tensor saved", lambda: leaf() * inference_tensor(), RuntimeError,
     "inference_mode|.clone()|no_grad()"),
    ("inference tensor in place", lambda: inference_tensor().add_(1), RuntimeError,
     "add_|inference_mode|.clone()"),
    ("changed before recomputing", change_before_recomputing, RuntimeError,
     "CheckpointBackward|in place|clone()"),
    ("from_torch of an array", lambda: tinyllm.from_torch(np.ones(2)), TypeError,
     "torch.Tensor|ndarray"),
    ("to_torch of a leaf", lambda: leaf().to_torch(), RuntimeError, "to_torch|.detach()"),
    ("NumPy of a leaf", lambda: leaf().numpy(), RuntimeError, "numpy|.detach().numpy()"),
    # layers
    ("Linear", lambda: nn.Linear(5, 3)(ones(2, 4)), ValueError, "(2, 4)|(3, 5)|in: 4 != 5"),
    ("Linear of float64", lambda: nn.Linear(5, 3)(ones(2, 5).double()), TypeError, "input.to("),
    ("Linear of integers", lambda: nn.Linear(2, 3)(ids(1, 2)), TypeError, "int64|.float()"),
    ("Linear of an array", lambda: nn.Linear(5, 3)(np.ones((2, 5))), TypeError, "Tensor|ndarray"),
    ("Embedding", lambda: nn.Embedding(9, 3)(ids([1, 12])), IndexError, "12 at [0, 1]|tokenizer"),
    ("Embedding below", lambda: nn.Embedding(9, 3)(ids(-1)), IndexError, "id -1 at [0]|[0, 9)"),
    ("Embedding of floats", lambda: nn.Embedding(9, 3)(ones(2)), TypeError, "integer|float32"),
    ("LayerNorm", lambda: nn.LayerNorm(5)(ones(2, 4)), ValueError, "layer_norm|(2, 4)|(5,)"),
    ("RMSNorm", lambda: nn.RMSNorm(5)(ones(2, 4)), ValueError, "rms_norm|(2, 4)|(5,)"),
    ("Dropout", lambda: nn.Dropout(1.5), ValueError, "between 0 and 1|1.5"),
    ("heads of a model", lambda: DecoderConfig.gpt2(vocab_size=5, width=10, heads=3), ValueError,
     "width 10|heads 3"),
    ("no super().__init__", forget_super, AttributeError, "super().__init__()|layer"),
    ("no forward", forget_forward, NotImplementedError, "Model|forward"),
    ("misspelt", lambda: nn.Linear(2, 2).wieght, AttributeError, "wieght|did you mean 'weight'"),
    ("tensor as parameter", lambda: setattr(nn.Linear(2, 2), "weight", ones(2, 2)), TypeError,
     "weight|nn.Parameter"),
    ("no module", lambda: nn.Sequential(nn.Linear(2, 3), 4), TypeError, "int|child module '1'"),
    # attention
    ("keys and values", lambda: attend((2, 4, 3, 8), (2, 4, 7, 8), (2, 4, 9, 8)), ValueError,
     "(2, 4, 7, 8)|(2, 4, 9, 8)|S: 7 != 9"),
    ("queries and keys", lambda: attend((2, 4, 3, 8), (2, 4, 7, 6), (2, 4, 7, 8)), ValueError,
     "query (B, H, T, D)|D: 8 != 6"),
    ("mask's shape", lambda: attend_with_mask(ones(3, 6, **BOOL)), ValueError,
     "(3, 6)|(2, 4, 3, 7)|mask[:, None, None, :]"),
    ("mask's kind", lambda: attend_with_mask(ones(3, 7).long()), TypeError, "bool|int64"),
    ("mask and causal", lambda: attend_with_mask(ones(3, 7, **BOOL), is_causal=True), RuntimeError,
     "attn_mask|is_causal|merge"),
    # losses
    ("logits not flat", lambda: F.cross_entropy(ones(2, 5, 7), tinyllm.zeros(2, 5).long()),
     ValueError, "(2, 5, 7)|(2, 5)|logits.view(-1, V)"),
    ("class out of range", lambda: F.cross_entropy(ones(2, 5), ids(1, 5)), IndexError,
     "target 5 at [1]|[0, 5)"),
    ("targets too many", lambda: F.cross_entropy(ones(2, 5), ids(1, 2, 3)), ValueError,
     "(2, 5)|(3,)"),
    ("mse of a column", lambda: F.mse_loss(ones(3, 1), ones(3)), ValueError, "(3, 1)|(3,)|reshape"),
    # optimizers, state
    ("no parameters", lambda: optim.AdamW([]), ValueError, "empty parameter list|parameters()"),
    ("learning rate", lambda: optim.AdamW([leaf()], lr=-1), ValueError, "learning rate|-1"),
    ("one tensor", lambda: optim.AdamW(leaf()), TypeError, "iterable|[tensor]"),
    ("computed", lambda: optim.SGD([leaf() * 2], lr=0.1), ValueError, "non-leaf"),
    ("array", lambda: optim.SGD([np.ones(3)], lr=0.1), TypeError, "ndarray|model.parameters()"),
    ("bias for Muon", lambda: optim.Muon([leaf(), tinyllm.ones(3, requires_grad=True)]), ValueError,
     "2D|(3,)|AdamW"),
    ("a state of other parameters",
     lambda: optim.AdamW([leaf()]).load_state_dict({"state": {}, "param_groups": [{"params": []}]}),
     ValueError, "groups of [0] parameters|[1]"),
    ("momentum to cycle",
     lambda: optim.lr_scheduler.OneCycleLR(optim.Adagrad([leaf()]), 0.1, 10),
     ValueError, "Adagrad|cycle_momentum=False"),
    ("missing keys", lambda: nn.Linear(2, 3).load_state_dict({}), RuntimeError,
     'Missing key|"weight"'),
    ("other sizes", lambda: nn.Linear(2, 3).load_state_dict(nn.Linear(3, 3).state_dict()),
     RuntimeError, "weight|(3, 3)|(3, 2)"),
    ("too many keys",
     lambda: nn.Linear(2, 3, bias=False).load_state_dict(nn.Linear(2, 3).state_dict()),
     RuntimeError, 'Unexpected key|"bias"'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("mistake", "kind", "words"),
    [row[1:] for row in MISTAKES],
    ids=[row[0] for row in MISTAKES],
)
def test_the_message_says_who_what_and_how_to_mend(mistake, kind, words):
    with pytest.raises(kind) as caught:
        mistake()
    assert type(caught.value) is kind
    for word in words.split("|"):
        assert word in str(caught.value), f"{word!r} is not in: {caught.value}"
    assert len(str(caught.value)) < 400


def test_every_row_is_another_mistake():
    names = [row[0] for row in MISTAKES]
    assert len(set(names)) == len(names) >= 60
