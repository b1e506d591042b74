"""A result table: numbers for Parquet, and panels of text for readers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from spcl.report.formats import html, latex, markdown
from spcl.report.panels import Panel
from spcl.tables import parquet


@dataclass(frozen=True)
class ResultTable:
    """A result table.

    Attributes
    ----------
    name
        As in the file names.
    title
        A few words.
    caption
        What is measured, over which data, in which unit.
    data
        Tidy numbers at full precision, the content of the Parquet file.
    schema
        The columns of `data` and their meaning.
    panels
        `data` laid out for readers.
    notes
        Footnotes, and explanations of gaps.
    simulated
        Names of the simulated corpora in it.
    """

    name: str
    title: str
    caption: str
    data: pd.DataFrame
    schema: parquet.Schema
    panels: tuple[Panel, ...]
    notes: tuple[str, ...] = ()
    simulated: tuple[str, ...] = ()

    def write(
        self,
        *,
        parquet: str | Path,
        md: str | Path | None = None,
        tex: str | Path | None = None,
        html: str | Path | None = None,
    ) -> None:
        """Write the table in each format that has a path, Parquet last."""
        for path, render in ((md, self.markdown), (tex, self.latex), (html, self.html)):
            if path is not None:
                _write_text(Path(path), render)
        write_frame(
            self.data,
            parquet,
            self.schema,
            caption=self.caption,
            notes=list(self.notes),
            simulated=list(self.simulated),
        )

    def markdown(self) -> str:
        """The table for a terminal or a README."""
        return self._rendered(markdown.render, self.title)

    def latex(self) -> str:
        """Floats for a paper; they need only the package booktabs."""
        return self._rendered(latex.render, self.name)

    def html(self) -> str:
        """A page that works offline."""
        return self._rendered(html.render, self.title)

    def _rendered(self, render: Callable[..., str], heading: str) -> str:
        return render(heading, self.caption, self.panels, self.notes, simulated=self.simulated)


def frame_of(rows: Iterable[Mapping[str, object]], schema: parquet.Schema) -> pd.DataFrame:
    """A frame with the columns of `schema`; values missing in a row are NaN."""
    return pd.DataFrame(list(rows), columns=[column.name for column in schema.columns])


def write_frame(
    frame: pd.DataFrame, path: str | Path, schema: parquet.Schema, **meta: object
) -> None:
    """Write a pandas frame as a Parquet file of `schema`; NaN becomes null."""
    columns = {column.name: frame[column.name].astype(object) for column in schema.columns}
    parquet.write(
        schema.table(
            {name: values.where(values.notna(), None) for name, values in columns.items()}
        ),
        path,
        schema,
        **meta,
    )


def _write_text(path: Path, render: Callable[[], str]) -> None:
    text = render()
    parquet.write_atomically(path, lambda temporary: _save(temporary, text))


def _save(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
