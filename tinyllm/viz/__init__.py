"""Pictures: loss curves, confusion matrices, attention."""

from tinyllm.viz.attention import attention_picture
from tinyllm.viz.confusion import confusion_matrix
from tinyllm.viz.curves import loss_curve, png

__all__ = ["attention_picture", "confusion_matrix", "loss_curve", "png"]
