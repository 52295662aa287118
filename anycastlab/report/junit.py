"""Verdicts as JUnit XML, as Jenkins, GitLab and their like read it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from anycastlab.experiments.verdict import StepResult, Verdict

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (section 2.2) cannot hold, not even escaped."""


def clean(text: str) -> str:
    """Replace what XML cannot hold."""
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def junit(verdicts: Iterable[Verdict]) -> str:
    """Return the document: a test suite for each topology, a test case for each of its steps."""
    root = ET.Element("testsuites")
    for verdict in verdicts:
        suite(root, verdict)
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(one.get(count, "0")) for one in root)))
    root.set("time", f"{sum(float(one.get('time', '0')) for one in root):.6f}")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def suite(root: ET.Element, verdict: Verdict) -> None:
    """Add one topology; what ended its experiment early becomes a test case of its own."""
    failures = sum(not step.ok for step in verdict.steps)
    errors = int(verdict.error is not None)
    element = ET.SubElement(
        root,
        "testsuite",
        name=clean(verdict.name),
        tests=str(len(verdict.steps) + errors),
        failures=str(failures),
        errors=str(errors),
        skipped="0",
        time=f"{verdict.seconds:.6f}",
        file=clean(verdict.file),
    )
    for step in verdict.steps:
        case(element, verdict, step)
    if verdict.error is not None:
        name, where = clean(verdict.name), clean(verdict.file)
        early = ET.SubElement(
            element, "testcase", classname=name, name="the lab", file=where, time="0"
        )
        ET.SubElement(
            early,
            "error",
            message=clean(str(verdict.error)),
            type=type(verdict.error).__name__,
        )


def case(element: ET.Element, verdict: Verdict, step: StepResult) -> None:
    """Add one step."""
    test = ET.SubElement(
        element,
        "testcase",
        classname=clean(verdict.name),
        name=clean(f"{step.text} (line {step.line})"),
        file=clean(verdict.file),
        line=str(step.line),
        time=f"{step.seconds:.6f}",
    )
    if step.ok:
        ET.SubElement(test, "system-out").text = clean(step.outcome.seen)
        return
    lines = [clean(line) for line in step.outcome.differences]
    failure = ET.SubElement(test, "failure", message=lines[0], type="expectation")
    failure.text = "\n".join([f"{clean(verdict.file)}:{step.line}: {clean(step.text)}", *lines])
