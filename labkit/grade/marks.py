"""The mark: from what came of the stories, the configuration, lateness and what the instructor has decided."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from labkit.grade.config import Config
from labkit.grade.result import Result

DAY = timedelta(days=1)


def set_mark(result: Result, config: Config, override: dict[str, Any] | None = None) -> None:
    """Fill in `result.mark`.

    `mark` is None while a story could not be graded, unless the instructor has decided: a fault of the machine never
    lowers a mark. `earned` is before lateness is taken off.
    """
    for story in result.stories:
        story.points = config.points_of(story.test, story.points)
    earned = config.out_of * _part(result, config)
    days, why = days_late(result, config)
    kept = 0.0 if days > config.late.most_days else max(0.0, 1 - days * config.late.percent_per_day / 100)
    mark: float | None = round(earned * kept, config.decimals)
    if result.not_graded or result.fault:
        mark = None
    result.mark = {
        "mark": mark, "out_of": config.out_of, "earned": round(earned, config.decimals), "days_late": days,
        "late_why": why, "kept_percent": round(100 * kept, 2), "override": override,
    }  # fmt: skip
    if override is not None:
        result.mark["computed"] = mark
        result.mark["mark"] = override["mark"]


def _part(result: Result, config: Config) -> float:
    """How much of all was earned, from 0 to 1."""
    weights = {stage.stage: config.weight_of(stage.stage) for stage in result.stages}
    if any(weight is None for weight in weights.values()):
        weights = {stage.stage: float(stage.points) for stage in result.stages}
    whole = math.fsum(weight or 0 for weight in weights.values())
    parts = [(weights[stage.stage] or 0) * stage.earned / stage.points for stage in result.stages if stage.points]
    return math.fsum(parts) / whole if whole else 0.0


def days_late(result: Result, config: Config) -> tuple[int, str]:
    """Days begun after the due date, and how we know. Late by the platform's word alone counts as one day."""
    submitted = result.submitted
    if config.due is not None and submitted is not None:
        over = submitted - config.due - timedelta(minutes=config.late.grace_minutes)
        days = max(0, -(-over // DAY))
        return days, f"handed in {submitted.isoformat(timespec='minutes')}" if days else ""
    if result.submission.get("late"):
        return 1, "the platform calls it late, and does not say by how much"
    return 0, ""


def is_due_over(config: Config, now: datetime | None = None) -> bool:
    """Whether what is to be shown after the due date may be shown."""
    return config.due is None or (now or datetime.now(UTC)) > config.due
