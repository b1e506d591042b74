"""Corpora: from raw files to the tables of utterances and features.

=================  =======================================================================
`formats`          a module for each corpus format; add a format there
`feature_files`    feature arrays: by dialogue, or beside a table of utterances
`emotions`         emotion labels: spelling, order, meaning of integers
`files`            any kind of file: text, CSV, folders, errors of parsers
`pickles`          pickles, decoded without running any code in them
`download`         archives: download, check, unpack
`simulator`        simulated corpora in the raw layouts of IEMOCAP and MELD
=================  =======================================================================

The modules of this package work on a corpus in any format: `corpus` imports it, `checks` refuses
what no stage can use, `splits` applies a protocol, `counts` compares with published counts.

It imports `spcl.tables` and `spcl.jobs`. It computes no features: see `spcl.extract`.
"""
