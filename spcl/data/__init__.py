"""Corpora: from raw files to the canonical tables of utterances and features.

=================  =======================================================================
`formats`          one reader a file format; the next format is one more module there
`feature_files`    reading of feature arrays: by dialogue, or beside a table of utterances
`emotions`         class names: spelling, order, meaning of integer labels
`files`            reading of files of any kind: text, CSV, folders, errors of parsers
`pickles`          pickles, decoded without running any code in them
`download`         archives: fetched, verified, unpacked
`simulator`        simulated corpora in the raw layouts of IEMOCAP and MELD
=================  =======================================================================

The modules of this package work on a corpus of any format: `corpus` imports one, `checks` refuses
what no stage could use, `splits` applies a protocol, `counts` compares with published counts.

It imports `spcl.tables` and `spcl.jobs`. It computes no features: see `spcl.extract`.
"""
