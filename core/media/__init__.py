"""Types of files, card rules, cameras, metadata and junk files: pure functions on names and on what tools
report."""
