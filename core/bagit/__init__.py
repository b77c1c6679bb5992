"""A location's folder as a valid BagIt 1.0 bag (RFC 8493): reading, merging and writing its manifests; the
task."""
