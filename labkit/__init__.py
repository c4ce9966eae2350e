"""The kit's own tools: what tests, students and instructors use around the chat."""
