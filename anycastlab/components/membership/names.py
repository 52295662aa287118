"""What the agents are called under `run:`."""

HOST, ROUTER = "membership-host", "membership-router"
