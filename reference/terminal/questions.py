"""The questions of the start, which are asked in the terminal whatever face comes after."""

import sys


def ask(question: str) -> str:
    """The answer, without the spaces around it. Raises EOFError when nobody can be asked, KeyboardInterrupt."""
    try:
        answer = input(question)
        if not sys.stdin.isatty():
            print(flush=True)  # nobody's Enter ended the line of the question
    except OSError as error:  # an input that only takes, as nohup has it in a terminal; an output on a full disk
        raise EOFError from error
    return answer.strip()


def wants_to_connect() -> bool:
    """Asked until the answer is yes or no."""
    while True:
        answer = ask("Would you like to connect (yes/no)? ").lower()
        if answer in ("yes", "y"):
            return True
        if answer in ("no", "n"):
            return False
        print("Please answer yes or no")


def which_mode() -> str:
    """ "terminal" or "gui"."""
    while True:
        print("Enter your preference mode:\n1.Terminal Mode\n2.GUI Mode")
        answer = ask("")
        if answer in ("1", "2"):
            return "terminal" if answer == "1" else "gui"
        print("Please answer 1 or 2")
