"""Pickles decoded without running any code in them: plain values and arrays, and no calls.

`unpickle` reads a file, `machine` carries out the opcodes, `admitted` has the permitted names.

A `pickle.Unpickler` with a restricted ``find_class`` is not enough for files of unknown origin. It
limits the names, but not memory and time: a memo index in five bytes allocates gigabytes, and a
nested tuple as a key takes exponential time to hash. It also sets attributes of any object. A
machine that knows only the opcodes of plain values refuses what it does not know.
"""
