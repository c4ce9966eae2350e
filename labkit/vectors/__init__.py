"""Checks a program in any language against the protocol's test vectors, labs/protocol-vectors.json.

``cases.py`` makes questions of the vectors, ``program.py`` asks them, one JSON object a line, ``compare.py`` says where
an answer differs, ``command.py`` is the command line.
"""
