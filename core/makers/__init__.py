"""Processes that decode what came from outside and make small copies of it, because decoders may crash or hang."""
