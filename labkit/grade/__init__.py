"""Grades a class: each submission in a sandbox of its own, one result model, and the reports made from it."""
