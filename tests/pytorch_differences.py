"""What docs/pytorch.md says that no program can know: which rooms, how names are grouped, in what
a function differs from PyTorch's, and why something is left out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Room:
    """A place with names in both libraries: `tinyllm.PATH` and `torch.PATH`."""

    path: str
    title: str
    members: bool = False  # a class, of which the methods and attributes are compared
    own_table: bool = False


ROOMS = [
    Room("", "Functions", own_table=True),
    Room("Tensor", "Tensor: methods, attributes, operators", members=True, own_table=True),
    Room("nn", "Layers and losses: `nn`", own_table=True),
    Room("nn.Module", "every module", members=True),
    Room("nn.functional", "layers as functions"),
    Room("nn.init", "initial values"),
    Room("nn.utils", "around a step of training"),
    Room("nn.utils.rnn", "sequences of different lengths"),
    Room("optim", "optimizers"),
    Room("optim.Optimizer", "every optimizer", members=True),
    Room("optim.lr_scheduler", "learning rates"),
    Room("optim.lr_scheduler.LRScheduler", "every schedule", members=True),
    Room("autograd", "gradients"),
    Room("autograd.Function", "ops of one's own", members=True),
    Room("linalg", "lengths, and other linear algebra"),
    Room("special", "special functions"),
    Room("utils.data", "batches"),
    Room("utils.checkpoint", "less memory for more time"),
    Room("random", "random numbers"),
    Room("Generator", "a stream of random numbers", members=True),
    Room("testing", "tests"),
]

# The module where something is defined -> the row in which it stands. A module that is not here
# makes a row of its own, called after the first line of its docstring.
ROWS = {
    "tinyllm.functions.creation": "made of data, of one value, in sequence",
    "tinyllm.functions.sampling": "made at random",
    "tinyllm.functions.pointwise": "each element",
    "tinyllm.functions.transcendental": "logarithms, waves, erf",
    "tinyllm.functions.rounding": "rounding, division with a rest",
    "tinyllm.functions.combination": "several tensors at once, bounds",
    "tinyllm.functions.comparison": "comparisons, orderings",
    "tinyllm.functions.reduction": "reductions",
    "tinyllm.functions.statistics": "reductions",
    "tinyllm.functions.norms": "reductions",
    "tinyllm.functions.running": "running sums",
    "tinyllm.functions.linalg": "products, softmax",
    "tinyllm.functions.products": "products, softmax",
    "tinyllm.functions.einsum": "products, softmax",
    "tinyllm.functions.shape": "shapes, joining, cutting",
    "tinyllm.functions.joining": "shapes, joining, cutting",
    "tinyllm.functions.repetition": "repeating, turning, shifting",
    "tinyllm.functions.diagonals": "diagonals and triangles",
    "tinyllm.functions.indexing": "picking by position",
    "tinyllm.functions.scattering": "writing by position",
    "tinyllm.functions.inplace": "in place",
    "tinyllm.functions.in_place_forms": "in place",
    "tinyllm.functions.dtypes": "dtypes",
    "tinyllm.functions": "casts, and the like",
    "tinyllm.tensor": "what a tensor is, and its gradient",
    "tinyllm.autograd": "gradients on and off",
    "tinyllm.grad_mode": "gradients on and off",
    "tinyllm.anomaly": "gradients on and off",
    "tinyllm.bridges": "from and to others",
    "tinyllm.random": "random numbers",
    "tinyllm.kernels.threads": "threads",
    "tinyllm.nn.activation": "activations",
    "tinyllm.nn.attention": "attention, Transformers",
    "tinyllm.nn.transformer": "attention, Transformers",
    "tinyllm.nn.transformer_layers": "attention, Transformers",
    "tinyllm.nn.container": "containers",
    "tinyllm.nn.module": "the base of all, parameters",
    "tinyllm.nn.parameter": "the base of all, parameters",
    "tinyllm.nn.linear": "layers",
    "tinyllm.nn.embedding": "layers",
    "tinyllm.nn.normalization": "layers",
    "tinyllm.nn.dropout": "layers",
    "tinyllm.nn.passing": "layers",
    "tinyllm.nn.loss": "losses",
}


@dataclass(frozen=True)
class Difference:
    """How the parameters differ, which must be so exactly, and a word on what follows."""

    says: str = ""
    without: str = ""
    adds: str = ""
    reordered: bool = False


EQUAL_SHAPES = "shapes that only broadcast are an error: they nearly always hide a mistake"

# Name -> a Difference in its parameters, or a sentence on its behaviour. What a docstring says
# after "PyTorch: torch.name;" comes onto the page by itself, unless the name stands here; "" keeps
# it off.
DIFFERENCES: dict[str, Difference | str] = {
    "Tensor": "made by `tensor(...)`; `array` is the NumPy array in it",
    "Generator": "its only argument is a seed; the same seed gives other numbers than PyTorch's",
    "manual_seed": "the same seed gives other numbers than PyTorch's, and the same again here",
    "default_generator": "",
    "random.default_generator": "",
    "random.Generator": "",
    "set_num_threads": Difference(
        "the default is what affinity and the container's quota allow", without="int", adds="n"
    ),
    "testing.assert_close": Difference(
        "there msg stands in the place of what was found, and a tensor never equals an array",
        without="allow_subclasses check_device check_layout check_stride",
    ),
    "swapaxes": Difference("is `transpose`", without="axis0 axis1", adds="dim0 dim1"),
    "true_divide": Difference("is `div`", adds="rounding_mode"),
    "floor_divide": "has a gradient of 0 where PyTorch refuses one",
    "nn.Dropout": Difference("never in place; other random numbers", without="inplace"),
    "nn.Embedding": Difference(without="max_norm norm_type scale_grad_by_freq _weight _freeze"),
    "nn.functional.embedding": Difference(without="max_norm norm_type scale_grad_by_freq"),
    "nn.LogSoftmax": "`dim` must be given; leaving it out is deprecated there",
    "nn.Softmax": "`dim` must be given; leaving it out is deprecated there",
    "nn.HuberLoss": EQUAL_SHAPES,
    "nn.KLDivLoss": EQUAL_SHAPES,
    "nn.L1Loss": EQUAL_SHAPES,
    "nn.MSELoss": EQUAL_SHAPES,
    "nn.SmoothL1Loss": EQUAL_SHAPES,
    "nn.functional.huber_loss": EQUAL_SHAPES,
    "nn.functional.kl_div": EQUAL_SHAPES,
    "nn.functional.l1_loss": EQUAL_SHAPES,
    "nn.functional.mse_loss": EQUAL_SHAPES,
    "nn.functional.smooth_l1_loss": EQUAL_SHAPES,
    "optim.Muon": Difference(
        "`precision` may be float32, which is quicker here than bfloat16", adds="precision"
    ),
    "optim.lr_scheduler.LRScheduler": "",
    "nn.functional.scaled_dot_product_attention": "",
    "nn.TransformerEncoder": "`enable_nested_tensor` and `mask_check` are without effect",
    "nn.Module.modules": Difference("gives each module once", without="remove_duplicate"),
    "nn.Module.register_forward_hook": Difference(without="always_call"),
    "nn.Module.state_dict": Difference(without="destination"),
    "optim.lr_scheduler.LRScheduler.step": Difference(
        "PyTorch gives it up as well", without="epoch"
    ),
    "autograd.gradcheck": Difference(
        "is `tinyllm.gradcheck`: against a random covector, and it says what is wrong",
        without="func check_backward_ad check_batched_forward_grad check_batched_grad "
        "check_forward_ad check_grad_dtypes check_undefined_grad fast_mode masked nondet_tol",
        adds="directional function samples seed",
    ),
    "nn.functional.linear": Difference(
        "`onto` is what the result is added to, within the product", adds="onto"
    ),
    "linalg.norm": "of vectors, and Frobenius' of matrices",
    "Tensor.repeat": "",
    "Tensor.numpy": Difference(without="force"),
    "Tensor.split": Difference(without="split_size", adds="split_size_or_sections"),
    "Tensor.true_divide_": Difference("is `div_`", adds="rounding_mode"),
    "inference_mode": "costs and saves next to nothing over `no_grad`",
    "autograd.inference_mode": "",
    "Tensor.uniform_": Difference(
        "the bounds have other names, since `from` is a word of Python's",
        without="from to",
        adds="low high",
    ),
    "Tensor.shape": "a plain tuple, as is what `size()` gives",
    "Tensor.dtype": "a NumPy dtype",
    "Generator.get_state": "a dict that JSON can hold, not a tensor of bytes",
    "Generator.set_state": Difference("takes that dict", without="new_state", adds="state"),
    "utils.data.ConcatDataset": "no dataset is a ValueError, a stream a TypeError",
    "utils.data.DataLoader": "`num_workers` must be 0: batches are made in this process; the order "
    "of `shuffle` is our own",
    "utils.data.get_worker_info": "always None",
}  # fmt: skip

# Their parameters are not compared: PyTorch does not tell them, or has another name for what is
# only ever given by its place.
NOT_COMPARED = """Tensor Generator random.Generator finfo iinfo no_grad enable_grad autograd.no_grad
    autograd.enable_grad nn.Module.forward Tensor.expand linalg.norm
    utils.checkpoint.checkpoint utils.checkpoint.checkpoint_sequential"""


@dataclass(frozen=True)
class LeftOut:
    """Names of PyTorch's that are not here, and why. `*` stands for any letters."""

    what: str
    names: str
    why: str


IMAGES = "convolutional and image models are not what this library is about"
LEFT_OUT = [
    LeftOut("other devices", "cuda mps xpu accelerator set_default_device get_default_device "
            "Tensor.cuda Tensor.pin_memory Tensor.is_cuda nn.Module.cuda nn.Module.to_empty",
            "one device; `device=None` and `\"cpu\"` are accepted everywhere, others refused"),
    LeftOut("less than 32 bits, for speed", "bfloat16 autocast GradScaler amp float8_* "
            "Tensor.bfloat16 nn.Module.bfloat16 set_float32_matmul_precision",
            "NumPy has no bfloat16, and float16 is not faster on a processor"),
    LeftOut("complex numbers, Fourier transforms", "complex64 complex128 complex polar real imag "
            "conj angle view_as_complex view_as_real fft stft istft *_window",
            "language models need none; rotary positions are written in sines and cosines"),
    LeftOut("sparse, nested, quantized tensors", "sparse sparse_* nested quantize_* quantization "
            "q_* qint8 quint8 Tensor.to_sparse* Tensor.is_sparse Tensor.coalesce nn.quantized "
            "optim.SparseAdam",
            "one kind of tensor, so that every op is one formula"),
    LeftOut("capture and compilation", "compile jit fx export vmap func cond library "
            "nn.Module.compile nn.utils.stateless nn.utils.skip_init",
            "kernels are compiled one by one, the graph is the tape that you can read"),
    LeftOut("several processes", "distributed multiprocessing futures nn.DataParallel nn.parallel "
            "nn.SyncBatchNorm utils.data.DistributedSampler Tensor.share_memory_",
            "one process with threads; a `DataLoader` with workers is refused in words"),
    LeftOut("data pipes", "utils.data.*DataPipe utils.data.DataChunk "
            "utils.data.functional_datapipe utils.data.argument_validation "
            "utils.data.guaranteed_datapipes_determinism utils.data.non_deterministic "
            "utils.data.runtime_validation*", "PyTorch no longer develops them"),
    LeftOut("files", "save load hub package",
            "weights are safetensors and settings JSON, so that a file cannot run code"),
    LeftOut("memory by hand", "as_strided* from_file frombuffer *Storage Tensor.storage* "
            "Tensor.untyped_storage Tensor.data_ptr Tensor.set_ Tensor.resize_ Tensor.resize_as_ "
            "Tensor.stride Tensor.unfold empty_strided Tensor.new_empty_strided",
            "`tensor.array` is the NumPy array, with its strides"),
    LeftOut("old names", "FloatTensor *Tensor Tensor.new Tensor.type set_default_tensor_type "
            "range autograd.Variable autograd.variable nn.Container nn.NLLLoss2d "
            "nn.utils.clip_grad_norm nn.init.uniform nn.init.normal nn.init.constant nn.init.eye "
            "nn.init.dirac nn.init.xavier_uniform nn.init.xavier_normal nn.init.kaiming_uniform "
            "nn.init.kaiming_normal nn.init.orthogonal nn.init.sparse nn.functional.upsample*",
            "PyTorch keeps them for old code"),
    LeftOut("in-place functions", "exp_ relu_ sigmoid_ tanh_ sqrt_ abs_ nn.functional.relu_ "
            "nn.functional.elu_ nn.functional.leaky_relu_ nn.functional.celu_ "
            "nn.functional.selu_ nn.functional.rrelu_ nn.functional.hardtanh_ "
            "nn.functional.threshold_", "the methods are here: `x.exp_()`"),
    LeftOut("decompositions", "svd qr lu_* cholesky* inverse pinverse det logdet slogdet "
            "matrix_exp matrix_power lobpcg triangular_solve",
            "language models need products, not solutions; NumPy has them for measuring"),
    LeftOut("more functions of one number", "digamma polygamma lgamma mvlgamma i0 igamma igammac "
            "erfinv sinc hypot atan2 acos acosh asin asinh atan atanh cosh sinh arc* gcd lcm "
            "frexp ldexp nextafter heaviside",
            "no layer of a language model has them"),
    LeftOut("second names", "greater greater_equal less less_equal not_equal moveaxis swapdims "
            "ger msort fliplr flipud",
            "the first name is here: `gt`, `movedim`, `transpose`, `outer`, `sort`, `flip`"),
    LeftOut("joining under other names", "hstack vstack dstack column_stack row_stack hsplit "
            "vsplit dsplit atleast_*",
            "`cat`, `stack` and `split` say along which dim"),
    LeftOut("statistics", "nanmedian quantile nanquantile histc histogram cov corrcoef mode "
            "kthvalue",
            "for measuring, NumPy has them: `np.quantile(x, 0.9)`"),
    LeftOut("second derivatives", "autograd.gradgradcheck autograd.functional "
            "autograd.forward_ad func",
            "the tape is walked once; `gradcheck` checks first derivatives"),
    LeftOut("the machinery of autograd", "autograd.grad_mode autograd.NestedIOFunction "
            "autograd.set_multithreading_enabled autograd.enforce_grad_layout_policy "
            "autograd.graph autograd.profiler",
            "`tinyllm/autograd.py` is short: read it"),
    LeftOut("convolutions", "nn.Conv* nn.LazyConv* nn.Fold nn.Unfold nn.functional.conv* "
            "nn.functional.fold nn.functional.unfold conv1d conv2d conv3d "
            "nn.utils.convert_conv* nn.utils.fuse_*", IMAGES),
    LeftOut("pooling", "nn.*Pool1d nn.*Pool2d nn.*Pool3d nn.MaxUnpool* nn.functional.*_pool1d* "
            "nn.functional.*_pool2d* nn.functional.*_pool3d* nn.functional.max_unpool*", IMAGES),
    LeftOut("images", "nn.Pixel* nn.Upsamp* nn.ChannelShuffle nn.*Pad1d nn.*Pad2d nn.*Pad3d "
            "nn.functional.pixel_* nn.functional.*channel_shuffle nn.functional.interpolate "
            "nn.functional.grid_sample nn.functional.affine_grid nn.Dropout1d nn.Dropout2d "
            "nn.Dropout3d nn.functional.dropout1d nn.functional.dropout2d "
            "nn.functional.dropout3d nn.Softmax2d nn.init.dirac_", IMAGES),
    LeftOut("recurrent layers", "nn.RNN* nn.LSTM* nn.GRU* nn.utils.rnn.Pack* "
            "nn.utils.rnn.*pack* nn.utils.rnn.invert_permutation nn.utils.rnn.unpad_sequence",
            "attention has taken their place"),
    LeftOut("statistics of a batch", "nn.BatchNorm* nn.LazyBatchNorm* nn.InstanceNorm* "
            "nn.LazyInstanceNorm* nn.GroupNorm nn.LocalResponseNorm nn.CrossMapLRN2d "
            "nn.functional.batch_norm nn.functional.instance_norm nn.functional.group_norm "
            "nn.functional.local_response_norm",
            "Transformers normalise each token by itself: `LayerNorm`, `RMSNorm`"),
    LeftOut("sizes found out later", "nn.LazyLinear nn.Uninitialized*",
            "a width that is written down is a width that can be read"),
    LeftOut("rarer activations", "nn.CELU nn.SELU nn.Hard* nn.Mish nn.PReLU nn.RReLU nn.ReLU6 "
            "nn.Softmin nn.Softshrink nn.Softsign nn.Tanhshrink nn.Threshold nn.GLU "
            "nn.functional.celu nn.functional.selu nn.functional.hard* nn.functional.mish "
            "nn.functional.prelu nn.functional.rrelu nn.functional.relu6 nn.functional.softmin "
            "nn.functional.softshrink nn.functional.softsign nn.functional.tanhshrink "
            "nn.functional.threshold nn.functional.glu nn.functional.gumbel_softmax",
            "one line each with what is here: `gate.sigmoid() * value`"),
    LeftOut("rarer losses", "nn.CTCLoss nn.CosineEmbeddingLoss nn.GaussianNLLLoss "
            "nn.HingeEmbeddingLoss nn.Margin* nn.Multi*Loss nn.PoissonNLLLoss nn.SoftMarginLoss "
            "nn.Triplet* nn.BCELoss nn.LinearCrossEntropy* nn.AdaptiveLogSoftmaxWithLoss "
            "nn.functional.ctc_loss nn.functional.cosine_embedding_loss "
            "nn.functional.gaussian_nll_loss nn.functional.hinge_embedding_loss "
            "nn.functional.margin_ranking_loss nn.functional.multi*_loss "
            "nn.functional.poisson_nll_loss nn.functional.soft_margin_loss "
            "nn.functional.triplet_* nn.functional.binary_cross_entropy "
            "nn.functional.linear_cross_entropy",
            "cross-entropy, logits for yes or no, and distances cover the tasks here"),
    LeftOut("rarer layers", "nn.Bilinear nn.EmbeddingBag nn.PairwiseDistance nn.AlphaDropout "
            "nn.FeatureAlphaDropout nn.ParameterDict nn.Buffer nn.functional.bilinear "
            "nn.functional.embedding_bag nn.functional.pairwise_distance nn.functional.pdist "
            "nn.functional.alpha_dropout nn.functional.feature_alpha_dropout "
            "nn.functional.multi_head_attention_forward nn.functional.*_mm",
            "not met in such models; a Module of your own takes ten lines"),
    LeftOut("other weights behind a weight", "nn.utils.parametriz* nn.utils.*spectral_norm "
            "nn.utils.*weight_norm",
            "LoRA and tied weights are written as modules"),
    LeftOut("further optimizers", "optim.Adadelta optim.Adafactor optim.Adamax optim.ASGD "
            "optim.LBFGS optim.NAdam optim.RAdam optim.Rprop optim.swa_utils "
            "optim.swap_in_optimizer_params_and_state",
            "little used for language models; each here is a page that can be read"),
    LeftOut("hooks of saving and loading", "nn.Module.register_state_dict_*_hook "
            "nn.Module.register_load_state_dict_*_hook nn.Module.*_extra_state "
            "nn.Module.register_backward_hook nn.Module.register_full_backward_pre_hook "
            "optim.Optimizer.register_*",
            "a state_dict is a plain dict: change it before loading"),
]  # fmt: skip

# Rooms in which every public name of PyTorch's is accounted for: here, left out for the reasons
# above, or in one last row.
ACCOUNTED = (
    "nn nn.functional nn.init nn.utils nn.utils.rnn optim optim.lr_scheduler autograd utils.data"
)
NOT_PUBLIC = (  # modules and helpers that PyTorch's files let be seen
    "nn.common_types nn.factory_kwargs nn.grad nn.intrinsic nn.modules nn.qat nn.quantizable "
    "nn.functional.boolean_dispatch nn.functional.assert_int_or_pair nn.functional.grad "
    "nn.functional.reproducibility_notes nn.functional.sparse_support_notes "
    "nn.functional.handle_torch_function nn.functional.has_torch_function "
    "nn.functional.has_torch_function_unary nn.functional.has_torch_function_variadic "
    "nn.functional.tf32_notes nn.functional.DType nn.functional.ScalingType "
    "nn.functional.SwizzleType"
)
