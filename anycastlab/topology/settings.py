"""Kernel settings as the file writes them: ``net.ipv4.tcp_mtu_probing: 1``."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from anycastlab.topology.wording import given

_NAME = r"net\.[a-z0-9_]+(\.[A-Za-z0-9_-]+)+"
_VALUE = r"[A-Za-z0-9 ._:-]{1,64}"


def _name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(_NAME, value):
        raise ValueError(f"expected a sysctl below net, as net.ipv4.ip_forward, {given(value)}")
    return value


def _value(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not re.fullmatch(_VALUE, value):
        raise ValueError(f"expected the value of a sysctl, {given(value)}")
    return value


SysctlName = Annotated[
    str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": f"^{_NAME}$"})
]
SysctlValue = Annotated[
    str, BeforeValidator(_value), WithJsonSchema({"type": ["string", "integer"]})
]


def path_of(name: str) -> str:
    """Where a sysctl is below /proc/sys/net: ``ipv4/ip_forward`` for ``net.ipv4.ip_forward``."""
    return name.removeprefix("net.").replace(".", "/")
