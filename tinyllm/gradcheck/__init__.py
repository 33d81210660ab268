"""Hold a backward against finite differences, and say what is wrong with it."""

from tinyllm.gradcheck.check import GradcheckError, gradcheck, gradcheck_report
from tinyllm.gradcheck.report import InputReport, Report

__all__ = ["GradcheckError", "InputReport", "Report", "gradcheck", "gradcheck_report"]
