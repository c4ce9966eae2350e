"""The class list: any CSV with a head, as Canvas's gradebook, Moodle's grading worksheet, or one made by hand."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

# What the columns are called, in lower case: by Canvas, Moodle, Gradescope and people.
NAMES = ("student", "full name", "name", "student name")
IDS = ("id", "identifier", "student id", "sid", "id number")
OTHER_IDS = ("sis user id", "sis login id", "login", "username", "user", "id number")
EMAILS = ("email", "email address", "e-mail")
SUBMITTED = ("submitted", "submitted at")


class BadRoster(Exception):
    """The file cannot be used; the text is one line that says why."""


@dataclass
class Person:
    """A row: what is known of somebody. `ids` are all by which a platform may call them; `row` is as it was."""

    name: str
    id: str
    email: str
    submitted: str
    ids: set[str]
    row: dict[str, str]


@dataclass
class Roster:
    """All people, with the head of the file, by which its kind is known."""

    head: list[str] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """ "canvas", "moodle" or "plain"."""
        if "SIS Login ID" in self.head and "Student" in self.head:
            return "canvas"
        return "moodle" if "Identifier" in self.head and "Full name" in self.head else "plain"

    def find(self, *, ids: set[str], name: str, email: str = "") -> Person | None:
        """Who that is: by an id, else by the e-mail, else by a name that only one person has."""
        wanted = {each.casefold() for each in ids if each}
        for person in self.people:
            if wanted & person.ids or (email and email.casefold() == person.email.casefold()):
                return person
        same = [person for person in self.people if name and _folded(person.name) == _folded(name)]
        return same[0] if len(same) == 1 else None


def read(path: Path | None) -> Roster:
    """Read the file; none gives an empty roster. Raises BadRoster."""
    if path is None:
        return Roster()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            # Excel writes what it calls commas with semicolons where the comma is for decimals.
            between = ";" if ";" in first and "," not in first else ","
            file.seek(0)
            reader = csv.DictReader(file, delimiter=between)
            rows, head = list(reader), list(reader.fieldnames or [])
    except UnicodeDecodeError:
        raise BadRoster(f"{path} is no text in UTF-8: save it as 'CSV UTF-8'") from None
    except (OSError, csv.Error) as error:
        raise BadRoster(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    columns = {name.strip().lstrip("\ufeff").casefold(): name for name in head}
    if not any(name in columns for name in (*NAMES, *IDS, *EMAILS)):
        raise BadRoster(f"{path}: the first line must name the columns, one of them name, id or email")
    people = []
    for row in rows:
        clean = {name: (value or "").strip() for name, value in row.items() if isinstance(value, str) or value is None}
        person = Person(
            _first(clean, columns, NAMES), _first(clean, columns, IDS), _first(clean, columns, EMAILS),
            _first(clean, columns, SUBMITTED), set(), clean,
        )  # fmt: skip
        # Canvas has lines that are nobody's: the points possible, and the test student.
        if person.name.strip() in ("Points Possible", "Student, Test") or not (
            person.name or person.id or person.email
        ):
            continue
        ids = {person.id, person.email, *(_first(clean, columns, (other,)) for other in OTHER_IDS)}
        ids |= {each.removeprefix("Participant ") for each in ids}
        person.ids = {each.casefold() for each in ids if each}
        people.append(person)
    return Roster(head, people)


def _first(row: dict[str, str], columns: dict[str, str], names: tuple[str, ...]) -> str:
    return next((row.get(columns[name], "") for name in names if name in columns), "")


def _folded(name: str) -> str:
    """A name as Canvas puts it into a file's name: letters alone, in one order ("Doe, Jane" is "Jane Doe")."""
    letters = ["".join(filter(str.isalnum, word)) for word in name.replace(",", " ").split()]
    return "".join(sorted("".join(letters).casefold()))
