"""The programs behind scripts/bench: each capability beside the C program that does the same."""
