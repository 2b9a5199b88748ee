#!/bin/sh
# Makes a virtual environment from a lock file: setup.sh PYTHON ENVIRONMENT LOCKFILE
set -eu
python=$1 environment=$2 lock=$3

if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
  found=$(if [ -n "$python" ]; then "$python" --version 2>&1 | head -n 1; else echo "no Python"; fi)
  echo "error: found $found, expected Python 3.11; name one: make PYTHON=/path/to/python3.11 ..." >&2
  exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  echo "error: this Python has no venv; on Debian and Ubuntu: apt-get install python3.11-venv" >&2
  exit 1
fi

packages=$(grep -c '==' "$lock")
log=$environment/setup.log

# pip says too much or nothing at all: it writes into a log, and a person sees how far it is
install() {
  "$environment/bin/python" -m pip install --disable-pip-version-check --progress-bar off "$@" >>"$log" 2>&1 &
  pip=$!
  trap 'kill $pip 2>/dev/null; exit 130' INT TERM
  while kill -0 $pip 2>/dev/null; do
    if [ -t 1 ]; then
      printf '\r  %s of %s packages fetched %s' "$(grep -c '^Collecting' "$log")" "$packages" \
        "$(grep -q '^Installing' "$log" && echo ', installing   ')"
    fi
    sleep 1
  done
  if ! wait $pip; then
    echo >&2
    tail -n 15 "$log" >&2
    echo "error: the packages of $lock could not be installed; the whole log is $log" >&2
    exit 1
  fi
}

echo "setting up $environment from $lock ($packages packages; only the first time)"
rm -rf "$environment"
"$python" -m venv "$environment"
# compiled at first use instead of all at once: a large part is never imported
install --no-compile --require-hashes --requirement "$lock"
# the library itself, as it lies here, where it is of use: its build backend is in the lock file then
if grep -q '^hatchling==' "$lock"; then
  install --no-build-isolation --no-deps --editable .
fi
if [ -t 1 ]; then echo; fi
touch "$environment/.ready"
