#!/bin/sh
# Writes the API image's software bill of materials (CycloneDX) to reports/serving.cdx.json: what the lock file names is
# what the image installs, hash by hash.
set -eu
cd "$(dirname "$0")/.."

bill=.venv/checks/bin/cyclonedx-py
if [ ! -x "$bill" ]; then
  echo "error: found no $bill, which writes the bill of materials; set it up: make .venv/checks/.ready" >&2
  exit 1
fi
mkdir -p reports
"$bill" requirements serving/requirements.txt --sv 1.6 --of JSON --output-reproducible -o reports/serving.cdx.json
