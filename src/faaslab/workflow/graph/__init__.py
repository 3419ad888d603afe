"""A state machine and its executions as pictures: laid out, drawn as SVG, told as Mermaid. Pure."""
