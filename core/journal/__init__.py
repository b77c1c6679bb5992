"""The journal of imports in the archive: its format, its replay into the catalog, how an import ends in it."""
