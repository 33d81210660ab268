"""How good is it? Scores for models, translations, summaries, tags and plain generated text.

Every corpus score is a `Score`: `.score`, what it is made of, `.signature`, `.with_interval()`, and
`paired_bootstrap` or `paired_randomization` tell whether two of them differ by more than luck.
Numbers equal those of sacrebleu, rouge-score and seqeval. There are no tensors here.
"""

from tinyllm.metrics.bleu import BLEUScore, bleu, sentence_bleu
from tinyllm.metrics.chrf import CHRFScore, chrf, sentence_chrf
from tinyllm.metrics.diversity import distinct_n, rep_n, rep_window, self_bleu, seq_rep
from tinyllm.metrics.labels import ConfusionMatrix, confusion_matrix, exact_match, token_accuracy
from tinyllm.metrics.perplexity import Perplexity, TextSize, perplexity
from tinyllm.metrics.resampling import Interval, bootstrap_scores, percentile_interval
from tinyllm.metrics.rouge import Rouge, RougeScore, rouge
from tinyllm.metrics.schemes import convert_tags, find_scheme
from tinyllm.metrics.score import Score
from tinyllm.metrics.significance import PairedTest, paired_bootstrap, paired_randomization
from tinyllm.metrics.spans import SpanF1, span_f1, spans

__all__ = [
    "BLEUScore",
    "CHRFScore",
    "ConfusionMatrix",
    "Interval",
    "PairedTest",
    "Perplexity",
    "Rouge",
    "RougeScore",
    "Score",
    "SpanF1",
    "TextSize",
    "bleu",
    "bootstrap_scores",
    "chrf",
    "confusion_matrix",
    "convert_tags",
    "distinct_n",
    "exact_match",
    "find_scheme",
    "paired_bootstrap",
    "paired_randomization",
    "percentile_interval",
    "perplexity",
    "rep_n",
    "rep_window",
    "rouge",
    "self_bleu",
    "sentence_bleu",
    "sentence_chrf",
    "seq_rep",
    "span_f1",
    "spans",
    "token_accuracy",
]
