"""See the wire: a proxy that shows every frame that passes.

The proxy tells what it passes on (``tap.py``), a follower finds the frames in it (``follower.py``), and watchers make
something of them: lines on the screen (``screen.py``, with ``describe.py`` and ``explain.py`` for the words), a capture
for Wireshark (``pcapng.py``), a sequence diagram (``mermaid.py``). ``command.py`` is the command line.
"""
