"""Pictures: loss curves, confusion matrices, attention, answers."""

from tinyllm.viz.answers import answers_picture
from tinyllm.viz.attention import attention_picture
from tinyllm.viz.confusion import confusion_matrix
from tinyllm.viz.curves import loss_curve, png

__all__ = ["answers_picture", "attention_picture", "confusion_matrix", "loss_curve", "png"]
