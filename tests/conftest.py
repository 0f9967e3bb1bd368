"""Fixtures for every test. The supporting modules are in tests/support/."""

pytest_plugins = ["support.fixtures", "support.cluster_fixtures", "support.summary"]
