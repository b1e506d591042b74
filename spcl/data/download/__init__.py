"""Corpora from their publishers: download of an archive, and unpacking into a folder.

Both end with the complete result or leave nothing that could be mistaken for it. No library does
this here. A download resumes at the next byte only if the server still has the same version of the
file, and is checked by size and sha256: pooch checks the sum, but starts again from the beginning.
An archive is not trusted: ``tarfile``'s ``data`` filter and ``shutil.unpack_archive`` limit neither
the size nor the number or headers of the members, and do not treat zip and tar alike.
"""
