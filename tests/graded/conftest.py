"""The `chat` of every story, told on each network; and failures as stories, not as tracebacks."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.graded.implementation import Launcher, find
from tests.graded.leftovers import nothing_left_behind
from tests.graded.network import NETWORKS
from tests.graded.report import StoryFailure
from tests.graded.story import Setting, Story


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks that say what a story is about."""
    for mark in (
        "stage(n): the first stage of the ladder that can do what the story is about",
        "every_network: a story about the wire; without --network it is told on each network",
        "direct(tapped): told on the plain network only, whatever --network says; if tapped, a failure shows the wire",
        "reference(role): the server, or the client, goes further here than the stages do",
        "stages(role): the stages' server, or client, does this; the reference does it otherwise, or need not",
        "task(number, role, points, needs, hint): the task that this tests, its side (server, client or both), what "
        "it is worth, the other tasks of that stage without which it cannot pass, and a hint where the task's misleads",
    ):
        config.addinivalue_line("markers", mark)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tell stories on the network asked for, and with the pairs of server and client asked for."""
    if "network" in metafunc.fixturenames:
        _on_networks(metafunc)
    if "sides" in metafunc.fixturenames and metafunc.config.getoption("--pairs"):
        metafunc.parametrize("sides", _pairs(metafunc))


def _on_networks(metafunc: pytest.Metafunc) -> None:
    """When no network is asked for, those about the wire are told on each of them."""
    mark = metafunc.definition.get_closest_marker
    networks = [metafunc.config.getoption("--network") or "direct"]
    if mark("direct"):
        networks = ["direct"]
    elif mark("every_network") and not metafunc.config.getoption("--network"):
        networks = list(NETWORKS)
    metafunc.parametrize("network", networks)


def _pairs(metafunc: pytest.Metafunc) -> list[Any]:
    """With the reference on one side, what fails is the other side's fault: so the broken half is named."""
    server, client = _sides(metafunc.config)
    mark = metafunc.definition.get_closest_marker("task")
    role = mark.kwargs["role"] if mark else "both"
    pairs = []
    if role == "both":
        pairs.append(pytest.param((server, client), id="both-yours"))
    if role in ("server", "both"):
        pairs.append(pytest.param((server, "reference"), id="your-server"))
    if role in ("client", "both"):
        pairs.append(pytest.param(("reference", client), id="your-client"))
    return pairs


def _sides(config: pytest.Config) -> tuple[str, str]:
    return config.getoption("--server"), config.getoption("--client")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the implementations under test are not meant to do."""
    for item in items:
        if reason := _why_not(item, config):
            item.add_marker(pytest.mark.skip(reason=reason))


def _why_not(item: pytest.Item, config: pytest.Config) -> str | None:
    for mark in item.iter_markers("stage"):
        if mark.args[0] > config.getoption("--stage"):
            return f"comes with stage {mark.args[0]}"
    for mark in item.iter_markers("reference"):
        if config.getoption(f"--{mark.args[0]}") != "reference":
            return f"only the reference's {mark.args[0]} does this"
    for mark in item.iter_markers("stages"):
        if config.getoption(f"--{mark.args[0]}") == "reference":
            return f"the reference's {mark.args[0]} does this otherwise"
    return None


@pytest.fixture
def sides(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Whose server and whose client: `reference`, or a folder."""
    return _sides(request.config)


@pytest.fixture
def chat(request: pytest.FixtureRequest, network: str, sides: tuple[str, str], tmp_path: Path) -> Iterator[Story]:
    """A story about to begin: nobody is there yet."""
    option: Any = request.config.getoption
    seed = int(option("--seed"))
    server, client = sides
    setting = Setting(
        server=_found(server, "server", request.config),
        client=_found(client, "client", request.config),
        network=network,
        stage=option("--stage"),
        seed=seed,
        patience=option("--patience"),
        title=request.node.name,
        again=_again(request, network, seed),
        tasks=_tasks(request.node),
        hint=_hint(request.node),
        tapped=_is_tapped(request.node),
    )
    with nothing_left_behind():
        story = Story(setting, tmp_path)
        yield story
        story.close()


def _is_tapped(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("direct")
    return mark is None or mark.kwargs.get("tapped", False)


def _tasks(item: pytest.Item) -> tuple[str, ...]:
    mark = item.get_closest_marker("task")
    return (mark.args[0], *mark.kwargs.get("needs", ())) if mark else ("",)


def _hint(item: pytest.Item) -> str:
    mark = item.get_closest_marker("task")
    return str(mark.kwargs.get("hint", "")) if mark else ""


def _found(name: str, role: str, config: pytest.Config) -> Any:
    path = config.getoption("--launcher")
    try:
        return find(name, role, Launcher(path, config.getoption("--launcher-above")) if path else None)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def _again(request: pytest.FixtureRequest, network: str, seed: int) -> str:
    option: Any = request.config.getoption
    if option("--again"):
        return f"{option('--again')} {shlex.quote(request.node.name)}"
    words = ["python", "-m", "pytest", request.node.nodeid, "--seed", str(seed)]
    words += ["--network", network, "--stage", str(option("--stage"))]
    words += ["--server", option("--server"), "--client", option("--client")]
    words += ["--pairs"] if option("--pairs") else []
    return shlex.join(words)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
    """Print a failed story as it is: where in the driver it was noticed helps nobody."""
    result = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, StoryFailure):
        result.longrepr = str(call.excinfo.value)
    return result
