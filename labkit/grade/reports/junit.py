"""JUnit XML, as CI servers read it: a test suite for each student, a test case for each story.

The schema is the one of Jenkins' xUnit plugin (junit-10.xsd). What could not be graded is an error, not a failure.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable

from labkit.grade.result import Result

# What XML 1.0 cannot have in any form.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(results: Iterable[Result]) -> str:
    """The file's text."""
    suites = ET.Element("testsuites", name="GroupMediaChat Lab")
    for result in results:
        stories = list(result.stories)
        suite = ET.SubElement(
            suites, "testsuite", name=_text(result.name), timestamp=result.graded[:19], time=f"{result.seconds:.3f}",
            tests=str(len(stories)), failures=str(sum(story.outcome == "failed" for story in stories)),
            errors=str(len(result.not_graded)), skipped="0",
        )  # fmt: skip
        properties = ET.SubElement(suite, "properties")
        for name, value in {"seed": result.seed, "kit": result.kit, "mark": result.mark.get("mark")}.items():
            ET.SubElement(properties, "property", name=name, value=str(value))
        for story in stories:
            seconds = sum(telling.seconds for telling in story.tellings)
            case = ET.SubElement(
                suite, "testcase", classname=f"{_text(result.key)}.task {story.task}", name=story.title,
                time=f"{seconds:.3f}",
            )  # fmt: skip
            if story.outcome == "failed":
                ET.SubElement(case, "failure", message=f"task {story.task} falls short").text = _text(story.text)
            elif story.outcome == "not graded":
                ET.SubElement(case, "error", message="it could not be run").text = _text(story.text)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
