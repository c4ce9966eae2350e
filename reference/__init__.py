"""The complete chat: a server, a client and its two faces. Start reading at protocol.py."""
