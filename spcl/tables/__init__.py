"""Tables on disk: Parquet files with a schema, a checksum and a record of what made them.

`schemas` declares every table that one stage passes to another. `parquet` writes and reads tables;
a write is atomic. `arrays` converts columns to NumPy. A new table is declared in `schemas`.

It imports `spcl.provenance` alone. The stage that fills a table defines its meaning; result
tables for readers are made in `spcl.report.tables`.
"""
