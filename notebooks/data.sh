#!/bin/sh
# Makes the data that a profile is trained on: notebooks/data.sh PROFILE
# What is there already stays. `leak` and `fraud` are simulated; SKAB is downloaded by the library when it is read.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python}

# simulate FOLDER COMMAND OPTION...: beside its place first, so that there is never half of a fleet
simulate() {
  folder=$1 command=$2
  shift 2
  if [ -f "$folder/readings.csv" ]; then return; fi
  rm -rf "$folder" "$folder.part"
  "$python" -m simulator "$command" --seed 7 "$@" --sink csv --out "$folder.part"
  mv "$folder.part" "$folder"
}

case ${1:?PROFILE is missing: notebooks/data.sh PROFILE} in
  leak)
    # 48 districts teach the network; the first eight are also watched for twelve weeks, with leaks of 2, 5 and 10 %
    simulate data/leak/train water --districts 48 --start 2026-05-04T00:00Z --end 2026-06-29T00:00Z
    simulate data/leak/test water --districts 8 --start 2026-06-29T00:00Z --end 2026-09-21T00:00Z \
      --random-leaks 6 --leak-sizes 2,5,10 --leak-days 5 --quiet-days 3
    ;;
  fraud)
    # 80 consumers teach the network and 40 others are watched, with six frauds of each kind in ten months. Two years
    # before: one to learn from, and one held back, so that the threshold has seen every season and vacation
    simulate data/fraud/train meters --meters 120 --start 2023-09-01T00:00Z --end 2025-09-01T00:00Z
    simulate data/fraud/test meters --meters 40 --start 2025-09-01T00:00Z --end 2026-07-01T00:00Z \
      --random-fraud 36 --fraud-types h1,h2,h3,h4,h5,h6 --fraud-days 14 --quiet-days 14
    ;;
esac
