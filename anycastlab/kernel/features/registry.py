"""The features, in the order `doctor` shows them: what every lab needs comes first."""

from __future__ import annotations

from anycastlab.kernel.features.basics import LAB, NEEDED
from anycastlab.kernel.features.mechanisms import MECHANISMS
from anycastlab.kernel.features.tools import TOOLS

FEATURES = NEEDED + LAB + MECHANISMS + TOOLS
