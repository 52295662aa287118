"""nftables for components: a table each, loaded whole, listed as JSON, removed whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

from anycastlab.components.base import Place
from anycastlab.topology.network import Address

PACKAGE = "nftables"
Family = Literal["ip", "ip6", "inet"]


def family_of(address: Address) -> Family:
    """nft's name of an address's family."""
    return "ip" if address.version == 4 else "ip6"


def type_of(family: Family) -> str:
    """nft's type of that family's addresses."""
    return "ipv4_addr" if family == "ip" else "ipv6_addr"


def load(place: Place, ruleset: str) -> None:
    """Load a ruleset in the node. Raises ProgramError: nft is not there, or refuses it."""
    place.program(["nft", "-f", "-"], PACKAGE, ruleset)


def remove(place: Place, family: Family, table: str) -> None:
    """Remove a table of the node's."""
    place.program(["nft", "delete", "table", family, table], PACKAGE)


def counters(place: Place, family: Family, table: str) -> dict[str, int]:
    """The packets that each named counter of a table of the node's has seen."""
    command = ["nft", "-j", "list", "counters", "table", family, table]
    found = json.loads(place.program(command, PACKAGE))["nftables"]
    return {
        item["counter"]["name"]: item["counter"]["packets"] for item in found if "counter" in item
    }


def elements(place: Place, family: Family, table: str, name: str) -> Iterator[Any]:
    """The elements of one map or set of the node's, as nft's JSON has them."""
    command = ["nft", "-j", "list", "map", family, table, name]
    for item in json.loads(place.program(command, PACKAGE))["nftables"]:
        yield from item.get("map", {}).get("elem", ())
