"""For all tests: laws are tried without a stopwatch, for a busy machine is no counterexample."""

from hypothesis import HealthCheck, settings

settings.register_profile("faaslab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("faaslab")
