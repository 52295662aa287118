"""The JSON of `probe`, `catchment` and `run`."""

from __future__ import annotations

import json

from anycastlab.errors import LabExistsError
from anycastlab.experiments.verdict import Outcome
from anycastlab.report import jsonout
from tests.experiments.paper import observation
from tests.report.verdicts import failed, passed, verdict


def test_observations_are_the_list_of_the_contract() -> None:
    lost = observation(received_by=(), answered_by=None, copies=0, rtt=None)
    first, second = json.loads(json.dumps(jsonout.observations([observation(), lost])))
    assert first == {
        "client": "c1",
        "group": "A",
        "family": 4,
        "address": "192.0.2.1",
        "protocol": "icmp",
        "predicted": ["s1"],
        "received_by": ["s1"],
        "answered_by": "s1",
        "copies": 1,
        "rtt_ms": 0.1,
        "reply_from": None,
        "ok": True,
    }
    assert (second["answered_by"], second["rtt_ms"], second["ok"]) == (None, None, False)


def test_verdicts_hold_every_step_with_its_observations() -> None:
    bad = failed(Outcome("1 probe: s2", ("differs",), (observation(),)))
    report = json.loads(json.dumps(jsonout.verdicts([verdict(passed(), bad), verdict(passed())])))
    assert report["ok"] is False
    first, second = report["topologies"]
    assert (first["name"], first["file"], first["ok"], second["ok"]) == (
        "figure1",
        "figure1.yaml",
        False,
        True,
    )
    assert first["error"] is None
    step = first["steps"][1]
    assert (step["line"], step["ok"], step["seconds"]) == (12, False, 0.012)
    assert step["differences"] == ["differs"]
    assert step["observations"][0]["client"] == "c1"


def test_all_is_well_only_when_every_topology_is() -> None:
    assert jsonout.verdicts([verdict(passed()), verdict(passed())])["ok"] is True
    taken = verdict(error=LabExistsError("figure1 is up already"))
    report = jsonout.verdicts([verdict(passed()), taken])
    assert report["ok"] is False
    assert report["topologies"][1]["error"] == "figure1 is up already"
