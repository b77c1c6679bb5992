"""HTML pages: the report of an import and the sheet of any selection, which need only a browser. They hold no
scripts and load nothing from elsewhere. They are streamed, so that memory does not grow with the number of
files."""
