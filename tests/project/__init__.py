"""Promises of the project as a whole: its structure, its style, its scripts and machines."""
