"""Tables are written completely or not at all, and only read with the right schema."""

import pyarrow as pa
import pytest

from spcl.errors import UserError
from spcl.tables.parquet import Column, Schema, metadata, read, write, write_atomically

SCHEMA = Schema(
    "people",
    (Column("name", pa.string(), "who"), Column("age", pa.int32(), "years", nullable=True)),
    key=("name",),
    metadata=("town",),
)


def people(names=("Ann", "Bob"), ages=(1, None)):
    return SCHEMA.table({"name": list(names), "age": list(ages)})


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "new" / "people.parquet"
    write(people(), path, SCHEMA, town="X")
    table = read(path, SCHEMA)
    assert table.to_pylist() == people().to_pylist()
    assert metadata(table) == {"town": "X"}
    assert [entry.name for entry in path.parent.iterdir()] == ["people.parquet"]


def test_some_columns_can_be_read_alone(tmp_path):
    write(people(), tmp_path / "p.parquet", SCHEMA, town="X")
    assert read(tmp_path / "p.parquet", SCHEMA, ["age"]).column_names == ["age"]


def test_other_columns_are_kept(tmp_path):
    write(people().append_column("height", pa.array([1.0, 2.0])), tmp_path / "p", SCHEMA, town="X")
    assert "height" in read(tmp_path / "p", SCHEMA).column_names


@pytest.mark.parametrize(
    ("table", "facts", "message"),
    [
        (people(("Ann", "Ann")), {"town": "X"}, "rows are not unique in"),
        (people((None, "Bob")), {"town": "X"}, "column 'name' has nulls"),
        (people().drop(["age"]), {"town": "X"}, "column 'age' is missing"),
        (people().cast(pa.schema({"name": "string", "age": "int64"})), {"town": "X"}, "type int64"),
        (people(), {}, "metadata 'town' is missing"),
    ],
)
def test_a_table_that_does_not_fit_is_not_written(tmp_path, table, facts, message):
    with pytest.raises(ValueError, match=message):
        write(table, tmp_path / "p.parquet", SCHEMA, **facts)
    assert list(tmp_path.iterdir()) == []


def test_the_temporary_file_of_a_killed_write_is_removed(tmp_path):
    class Killed(BaseException):
        pass

    def killed(temporary):
        temporary.write_text("half")
        left.append(temporary)
        raise Killed

    left = []
    path = tmp_path / "words.parquet"
    with pytest.raises(Killed):
        write_atomically(path, killed)
    left[0].write_text("half")  # SIGKILL would have left it
    write_atomically(path, lambda temporary: temporary.write_text("whole"))
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_do_not_share_a_temporary_file(tmp_path):
    path = tmp_path / "words.parquet"

    def slow(temporary):
        temporary.write_text("of the one believed dead")
        write_atomically(path, lambda other: other.write_text("of the other"))

    with pytest.raises(UserError, match="No such file"):
        write_atomically(path, slow)
    assert path.read_text() == "of the other"


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "p.parquet"
    write(people(), path, SCHEMA, town="X")

    def fail(writer, table):
        writer.where.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("pyarrow.parquet.ParquetWriter.write_table", fail)
    with pytest.raises(OSError, match="disk full"):
        write(people(("Eve",), (3,)), path, SCHEMA, town="X")
    assert read(path, SCHEMA)["name"].to_pylist() == ["Ann", "Bob"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "no such file; create it with"),
        (lambda path: path.write_bytes(path.read_bytes()[:-20]), "not a readable Parquet file"),
        (lambda path: path.write_text("hello"), "not a readable Parquet file"),
    ],
)
def test_a_damaged_file_is_named_with_how_to_fix_it(tmp_path, damage, message):
    path = tmp_path / "p.parquet"
    write(people(), path, SCHEMA, town="X")
    damage(path)
    with pytest.raises(UserError, match=message) as error:
        read(path, SCHEMA)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("columns", [None, ["town"]])
def test_a_table_of_another_kind_is_refused(tmp_path, columns):
    other = Schema("towns", (Column("town", pa.string(), "where"),), key=("town",))
    write(people(), tmp_path / "p.parquet", SCHEMA, town="X")
    with pytest.raises(UserError, match="not a table of towns: column 'town' is missing"):
        read(tmp_path / "p.parquet", other, columns)
