"""Fixtures for every test. The supporting modules are in tests/support/."""

from hypothesis import HealthCheck, Phase, settings

pytest_plugins = ["support.fixtures", "support.cluster_fixtures", "support.summary"]

settings.register_profile(
    "default",
    max_examples=30,
    derandomize=True,
    deadline=None,
    database=None,
    # An example takes seconds, and a simpler one is soon found by hand.
    phases=[Phase.explicit, Phase.generate],
    # An example is a whole repository, and the fixtures that render it are made to be used many times.
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.differing_executors,
    ],
)
settings.register_profile("full", settings.get_profile("default"), max_examples=60)
settings.load_profile("default")
