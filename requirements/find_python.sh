# Print the path of a Python that is new enough: the one named, else .venv's, else what PATH has.
#
#     sh requirements/find_python.sh [PYTHON]

# Not what a link leads to: a .venv's Python behind it has no packages.
is_new_enough='import sys
if sys.version_info < (3, 11): sys.exit(1)
print(sys.executable)'

if [ $# -eq 0 ]; then
    set -- python3 python3.13 python3.12 python3.11
    # Whoever chose a Python once (make test PYTHON=...) keeps it until make clean.
    [ -e .venv/ready ] && set -- .venv/bin/python "$@"
fi

for candidate in "$@"; do
    # -I -S: only the version is asked for, so load nothing else.
    "$candidate" -I -S -c "$is_new_enough" 2>/dev/null && exit 0
done

found=$("$1" --version 2>&1) || found="not there"
echo "Python 3.11 or newer is needed and $1 is ${found#Python }:" \
    "install one (Debian, Ubuntu: apt install python3)," \
    "or say where it is: make ... PYTHON=/path/to/python3.12" >&2
exit 1
