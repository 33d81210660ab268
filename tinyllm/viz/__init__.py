"""Pictures: loss curves."""

from tinyllm.viz.curves import loss_curve, png

__all__ = ["loss_curve", "png"]
