"""The lab floor: bring a network up, supervise it, break and repair it, take it down."""
