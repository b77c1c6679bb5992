"""Settings for tests: an environment and a file."""

from pathlib import Path


def env(home: Path | str, **variables: str) -> dict[str, str]:
    return {"LADING_HOME": str(home), **variables}


def write(home: Path, text: str) -> None:
    (home / "config.toml").write_text(text, encoding="utf-8")
