"""Kinds of files, card rules, cameras and litter: what a name says."""
