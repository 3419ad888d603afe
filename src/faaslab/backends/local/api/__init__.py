"""What the processes of an environment say and are told: Runtime, Extensions and Telemetry API, the log."""
