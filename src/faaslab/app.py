"""open(): the one place that wires everything together."""
