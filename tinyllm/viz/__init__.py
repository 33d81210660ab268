"""Pictures: loss curves, confusion matrices."""

from tinyllm.viz.confusion import confusion_matrix
from tinyllm.viz.curves import loss_curve, png

__all__ = ["confusion_matrix", "loss_curve", "png"]
