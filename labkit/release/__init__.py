"""The student kit: what students get, without solutions, hidden tests or later stages."""
