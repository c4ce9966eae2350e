"""What happens before the chat: the command line is read, and the person is asked."""

import sys


def address(program):
    """Return ip and port from the command line; without them, say how to write it, and end with exit status 2."""
    if len(sys.argv) != 3 or not sys.argv[2].isdecimal() or int(sys.argv[2]) > 65535:
        print(f"usage: python3 {program} <ip> <port>", file=sys.stderr)
        sys.exit(2)
    return sys.argv[1], int(sys.argv[2])


def wants_window():
    """Ask for the mode until the answer is 1 or 2."""
    while True:
        print("Enter your preference mode:\n1.Terminal Mode\n2.GUI Mode")
        answer = input().strip()
        if answer in ("1", "2"):
            return answer == "2"


def wants_to_connect():
    """Ask until the answer is yes or no."""
    while True:
        answer = input("Would you like to connect (yes/no)? ").strip().lower()
        if answer in ("yes", "no"):
            return answer == "yes"
