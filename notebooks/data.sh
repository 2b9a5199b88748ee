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
  if [ -f "$folder/readings.parquet" ]; then return; fi
  rm -rf "$folder" "$folder.part"
  "$python" -m simulator "$command" --seed 7 "$@" --sink parquet --out "$folder.part"
  mv "$folder.part" "$folder"
}

# water FOLDER DISTRICTS WATCHED NETWORK: eight quiet weeks, then twelve with leaks of a week each; in both a heat wave in
# each district, and public holidays
water() {
  simulate "$1/train" water --network "$4" --districts "$2" --start 2026-05-04T00:00Z --end 2026-06-29T00:00Z \
    --random-events 1 --holidays US
  simulate "$1/test" water --network "$4" --districts "$3" --start 2026-06-29T00:00Z --end 2026-09-21T00:00Z \
    --random-leaks 4 --leak-sizes 1,2,5,10 --leak-days 7 --random-events 1 --holidays US
}

case ${1:?PROFILE is missing: notebooks/data.sh PROFILE} in
  leak)
    # 124 districts of two networks teach the model; twelve are also watched, and lose water in the twelve weeks after
    water data/leak/net3 1-108 1-8 net3
    water data/leak/ky4 201-224 201-204 ky4
    ;;
  leak-benchmark)
    # 150 other districts, each with one leak of each size: 150 a size
    water data/leak-benchmark/net3 501-600 501-600 net3
    water data/leak-benchmark/ky4 601-650 601-650 ky4
    ;;
  fraud)
    # 80 consumers teach the network and 40 others are watched, with six frauds of each kind in ten months. Two years
    # before: one to learn from, and one held back, so that the threshold has seen every season and vacation
    simulate data/fraud/train meters --meters 120 --start 2023-09-01T00:00Z --end 2025-09-01T00:00Z
    simulate data/fraud/test meters --meters 40 --start 2025-09-01T00:00Z --end 2026-07-01T00:00Z \
      --random-fraud 36 --fraud-types h1,h2,h3,h4,h5,h6 --fraud-days 14 --quiet-days 14
    ;;
esac
