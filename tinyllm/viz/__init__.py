"""Pictures: loss curves, confusion matrices, attention, answers, computation graphs."""

from tinyllm.viz.answers import answers_picture
from tinyllm.viz.attention import attention_picture
from tinyllm.viz.confusion import confusion_matrix
from tinyllm.viz.curves import loss_curve, png
from tinyllm.viz.graph import graph_picture
from tinyllm.viz.live import LiveLoss

__all__ = [
    "LiveLoss",
    "answers_picture",
    "attention_picture",
    "confusion_matrix",
    "graph_picture",
    "loss_curve",
    "png",
]
