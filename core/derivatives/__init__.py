"""Processes that decode files from outside and make thumbnails and proxies of them, because decoders may crash or
hang."""
