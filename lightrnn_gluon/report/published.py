"""The published figures of published.yaml."""

from importlib.resources import files as package_files
from typing import Any

import yaml

from lightrnn_gluon.report.formatting import Published

Figures = dict[str, dict[str, dict[str, Any]]]


def load_published() -> Figures:
    """The published figures: by table, row and field; those of table 4 by language, too."""
    text = package_files("lightrnn_gluon.report").joinpath("published.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def find_published(
    figures: Figures, table: str, row: str, field: str, language: str | None = None
) -> Published | None:
    """A published figure, or None where there is none."""
    line = figures[table].get(row, {})
    value = line.get(field)
    if language is not None and value is not None:
        value = value.get(language)
    if value is None:
        return None
    checked = line["checked"]
    return Published(value, (checked[field] if isinstance(checked, dict) else checked) == "memory")
