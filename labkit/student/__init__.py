"""A student's commands: start, check, watch, hint, diff and bots."""
