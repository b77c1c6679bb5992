"""MediaInfo in a separate process, which can be killed: prints its JSON about one file."""

import sys

from pymediainfo import MediaInfo

_OPTIONS = {
    # MediaInfo opens neither neighbours with the next number nor files that a name in the file refers to.
    "File_TestContinuousFileNames": "0",
    "File_TestDirectory": "0",
    "Internet": "No",
}


def main() -> None:
    """The argument is the path. An exception ends the process with status 1."""
    said = MediaInfo.parse(sys.argv[1], output="JSON", full=False, mediainfo_options=_OPTIONS)
    sys.stdout.write(str(said))


if __name__ == "__main__":
    main()
