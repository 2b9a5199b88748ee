#!/bin/sh
# Makes a virtual environment from a lock file: setup.sh PYTHON ENVIRONMENT LOCKFILE
set -eu
python=$1 environment=$2 lock=$3

if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
  found=$([ -n "$python" ] && "$python" --version 2>&1 || echo "no Python")
  echo "error: found $found, expected Python 3.11; name one: make PYTHON=/path/to/python3.11 ..." >&2
  exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  echo "error: this Python has no venv; on Debian and Ubuntu: apt-get install python3.11-venv" >&2
  exit 1
fi

echo "setting up $environment from $lock ($(grep -c '==' "$lock") packages; only the first time)"
rm -rf "$environment"
"$python" -m venv "$environment"
# compiled at first use instead of all at once: a large part is never imported
"$environment/bin/python" -m pip install --disable-pip-version-check --quiet --progress-bar off --no-compile \
  --require-hashes --requirement "$lock"
# the library itself, as it lies here; its build backend is in the lock file too
"$environment/bin/python" -m pip install --disable-pip-version-check --quiet --no-build-isolation --no-deps --editable .
touch "$environment/.ready"
