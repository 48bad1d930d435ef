"""How the properties are tried: the same examples on every run in CI, fresh ones at home."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("home", deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("home"), derandomize=True)
settings.register_profile("thorough", settings.get_profile("home"), max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
