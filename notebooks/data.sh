#!/bin/sh
# Makes the data that a profile is trained on: notebooks/data.sh PROFILE
# What is there already stays. Only `leak` is simulated; SKAB is downloaded by the library when it is read.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python}

# simulate FOLDER OPTION...: beside its place first, so that there is never half of a fleet
simulate() {
  folder=$1
  shift
  if [ -f "$folder/readings.csv" ]; then return; fi
  rm -rf "$folder" "$folder.part"
  "$python" -m simulator water --seed 7 "$@" --sink csv --out "$folder.part"
  mv "$folder.part" "$folder"
}

case ${1:?PROFILE is missing: notebooks/data.sh PROFILE} in
  leak)
    # 48 districts teach the network; the first eight are also watched for twelve weeks, with leaks of 2, 5 and 10 %
    simulate data/leak/train --districts 48 --start 2026-05-04T00:00Z --end 2026-06-29T00:00Z
    simulate data/leak/test --districts 8 --start 2026-06-29T00:00Z --end 2026-09-21T00:00Z \
      --random-leaks 6 --leak-sizes 2,5,10 --leak-days 5 --quiet-days 3
    ;;
esac
