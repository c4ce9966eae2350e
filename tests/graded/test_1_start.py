"""Transcript 1: start the server, and end it."""

from __future__ import annotations

import pytest

from tests.graded.implementation import HOST, free_port
from tests.graded.lines import is_question
from tests.graded.party import CONNECT, NAME
from tests.graded.story import LISTENING, Story

pytestmark = pytest.mark.stage(1)

# An address set aside for documentation (RFC 5737): no machine has it.
NOT_OURS = "192.0.2.1"
CONNECTS = "the client connects at yes, before it asks for the name, and shows what the system says then"
USAGE = "one line on stderr says how the program is called, and it ends with status 2; 1 is for what goes wrong later"


@pytest.mark.direct
@pytest.mark.task("1.3", role="server", points=1)
def test_the_server_says_where_it_is_and_that_it_listens(chat: Story) -> None:
    """Four lines, in this order, and nothing else."""
    server = chat.server()
    expected = [
        HOST,
        "[ACTIVATING SERVER]",
        "For Server Termination, use the Keyboard Interrupt (Ctrl-C)",
        LISTENING,
    ]
    shown = server.shown()
    chat.agrees(f"it prints just {expected}", shown == expected, f"it prints {shown}")


@pytest.mark.direct
@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (HOST,),
        (HOST, "port"),
        (HOST, "65536"),
        (HOST, "-1"),
        (HOST, "5050", "more"),
        (HOST, "5050", "--unknown"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.task("1.3", role="both", points=1, hint=USAGE)
def test_wrong_arguments_get_one_line_of_usage(chat: Story, role: str, arguments: tuple[str, ...]) -> None:
    """On stderr, with exit status 2."""
    outcome = chat.runs(role, *arguments)
    lines = outcome.stderr.splitlines()
    chat.agrees(
        "it prints one line with the word usage on stderr",
        len(lines) == 1 and "usage" in lines[0].lower(),
        f"stderr is {outcome.stderr!r}, stdout {outcome.stdout!r}",
    )
    chat.agrees("it ends with exit status 2", outcome.status == 2, f"the status is {outcome.status}")


@pytest.mark.direct
@pytest.mark.parametrize(("host", "reason"), [(HOST, "in use"), (NOT_OURS, "assign")], ids=["in use", "not ours"])
@pytest.mark.task("1.3", role="server", points=1)
def test_an_address_that_cannot_be_had_is_named_with_the_reason(chat: Story, host: str, reason: str) -> None:
    """One line with address, port and the system's reason, and exit status 1."""
    port = chat.server().port
    outcome = chat.runs("server", host, str(port))
    lines = (outcome.stdout + outcome.stderr).splitlines()
    chat.agrees(
        "one line names address, port and reason",
        sum(host in line and str(port) in line and reason in line for line in lines) == 1
        and "Traceback" not in outcome.stderr,
        f"it prints {lines}",
    )
    chat.agrees("it ends with exit status 1", outcome.status == 1, f"the status is {outcome.status}")


@pytest.mark.every_network
@pytest.mark.task("1.3", role="both", points=2, needs=("1.1", "1.2", "1.6"))
def test_ctrl_c_ends_the_server_and_tells_everyone(chat: Story) -> None:
    """The server's last line says that it ends; each client says so and ends, all with status 0."""
    server = chat.server()
    people = [chat.join() for _ in range(3)]
    server.presses("Ctrl-C")
    for person in people:
        person.sees("The server has closed the chat")
        person.ends(0)
    server.ends(0)
    last = server.shown()[-1]
    chat.agrees(
        "its last line is [SERVER TERMINATED]",
        last.removeprefix("^C") == "[SERVER TERMINATED]",
        f"it is {last!r}",
    )


@pytest.mark.task("1.3", role="both", points=1, needs=("1.1", "1.4", "1.6"))
def test_ctrl_c_ends_an_empty_server(chat: Story) -> None:
    """With everyone gone, Ctrl-C is all it takes: no thread waits for one who has left."""
    server = chat.server()
    sravya, sanjay = chat.join(), chat.join()
    chat.everyone_talks()
    for person in (sravya, sanjay):
        person.presses("Ctrl-C")
        person.ends(0)
    server.presses("Ctrl-C")
    server.ends(0)


@pytest.mark.task("1.3", role="both", points=2, needs=("1.1", "1.4", "1.6"))
def test_a_restart_on_the_same_port_works_at_once(chat: Story) -> None:
    """Connections of before that are not quite gone do not keep the address."""
    first = chat.server()
    sravya = chat.join()
    first.presses("Ctrl-C")
    first.ends(0)
    sravya.ends(0)
    second = chat.server(first.port)
    sanjay, meera = chat.join(), chat.join()
    hello = chat.drawn.text()
    sanjay.types(hello)
    meera.sees(f"[{sanjay}] {hello}")
    second.sees(f"[{sanjay}] {hello}")


@pytest.mark.direct
@pytest.mark.task("1.6", role="client", points=1, hint=CONNECTS)
def test_nobody_listening_is_told_with_the_systems_reason(chat: Story) -> None:
    """The client prints `Connection refused` and ends with exit status 1."""
    sravya = chat.opens_client(port=free_port())
    sravya.answers(CONNECT, "yes")

    def asked_too_soon() -> str:
        asked = any(is_question(NAME, line) for line in sravya.program.lines())
        return f"it asks {NAME!r}: the client should connect before it asks for the name" if asked else ""

    sravya.sees_where("the reason Connection refused", lambda line: "Connection refused" in line, asked_too_soon)
    sravya.ends(1)


@pytest.mark.reference("server")
def test_port_0_takes_a_free_port_and_prints_it(chat: Story) -> None:
    """The last line then names the address, and clients reach the server there."""
    server = chat.server(0)
    line = server.sees_where("the port", lambda line: line.startswith(f"{LISTENING} {HOST}:"))
    server.port = int(line.rsplit(":", 1)[1])
    sravya, sanjay = chat.join(), chat.join()
    hello = chat.drawn.text()
    sravya.types(hello)
    sanjay.sees(f"[{sravya}] {hello}")
