"""Experiments: the steps and faults of a topology's ``experiment:``, and the runner that judges."""
