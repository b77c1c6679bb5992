"""A demonstration: three made-up cards and an archive in a temporary folder, with an engine of their own."""
