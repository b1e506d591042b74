"""Tables on disk: Parquet files with a schema, a checksum and a record of what made them.

`schemas` declares every table that one stage hands to another; `parquet` writes and reads them
atomically; `arrays` hands their columns to NumPy. The next table is declared in `schemas`.

It imports `spcl.provenance` alone. What a table means is up to the stage that fills it; result
tables for readers are made in `spcl.report.tables`.
"""
