"""The demo: three simulated cards and an archive in a temporary folder, with a separate engine."""
