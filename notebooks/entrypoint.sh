#!/bin/sh
# The training image's entry point: makes the profile's data, then becomes `python -m aiot_anomaly.training`:
#   entrypoint.sh train PROFILE --out FOLDER
set -eu
cd "$(dirname "$0")/.."

if [ "${1:-}" = train ]; then
  notebooks/data.sh "${2:?PROFILE is missing: train PROFILE --out FOLDER}"
fi
exec "${PYTHON:-python}" -m aiot_anomaly.training "$@"
