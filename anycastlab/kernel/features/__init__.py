"""What the lab asks of its host, tried for real."""

from anycastlab.kernel.features.feature import Feature, Finding, examine, lacking
from anycastlab.kernel.features.registry import FEATURES

__all__ = ["FEATURES", "Feature", "Finding", "examine", "lacking"]
