"""A copy of an archive on a remote of rclone: upload, audit, fetch."""
