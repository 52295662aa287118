"""JUnit XML: counted as its readers count, and well-formed whatever is in it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from anycastlab.errors import FeatureError
from anycastlab.experiments.verdict import Outcome
from anycastlab.report.junit import junit
from tests.report.verdicts import failed, passed, verdict


def test_a_suite_a_topology_and_a_case_a_step() -> None:
    root = ET.fromstring(junit([verdict(passed(), failed()), verdict(passed())]))
    assert root.tag == "testsuites"
    assert root.attrib == {"tests": "3", "failures": "1", "errors": "0", "time": "3.000000"}
    first, second = root.findall("testsuite")
    assert first.get("name") == "figure1"
    assert (first.get("tests"), first.get("failures"), first.get("errors")) == ("2", "1", "0")
    assert (second.get("tests"), second.get("failures")) == ("1", "0")
    good, bad = first.findall("testcase")
    assert good.attrib == {
        "classname": "figure1",
        "name": "kill: s1 (line 11)",
        "file": "figure1.yaml",
        "line": "11",
        "time": "0.002000",
    }
    assert good.find("failure") is None
    assert good.findtext("system-out") == "s1 is dead"
    failure = bad.find("failure")
    assert failure is not None
    assert failure.get("message") == "c1 → A, IPv4, ICMP: expected s1"
    assert failure.text is not None
    assert failure.text.startswith("figure1.yaml:12: expect: ")


def test_what_ended_a_run_early_is_an_error_and_not_a_failure() -> None:
    text = junit([verdict(passed(), error=FeatureError("no veth here"))])
    suite = ET.fromstring(text).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "0", "1")
    error = suite.find("testcase/error")
    assert error is not None
    assert (error.get("type"), error.get("message")) == ("FeatureError", "no veth here")


def test_characters_that_xml_forbids_or_escapes_do_not_break_it() -> None:
    strange = 'a <b> & "c" \x00\x1b[31m \ud800 ]]>'
    text = junit([verdict(failed(Outcome(strange, (strange,))))])
    failure = ET.fromstring(text.encode()).find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("message") == 'a <b> & "c" ��[31m � ]]>'


def test_no_verdicts_are_a_document_too() -> None:
    assert ET.fromstring(junit([])).get("tests") == "0"
