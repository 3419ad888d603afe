"""CloudWatch's metrics as the store has them: of `AWS/Lambda` what was measured, of other namespaces what
functions printed in the embedded metric format and what metric filters count; all else is the cloud's.

Rule: counted when it is asked for, so that a run is in the figures once it is recorded. Rows of the source
`local` only: what was imported or simulated is no business of who watches this machine.
"""  # noqa: D205
