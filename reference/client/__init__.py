"""The client: a connection and its events (connection.py), and the questions that start it (__main__.py). No screen."""
