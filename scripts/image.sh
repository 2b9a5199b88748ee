#!/usr/bin/env bash
# Builds the API's image and writes its software bill of materials (CycloneDX) to reports/: scripts/image.sh [TAG]
# With docker, or with what IMAGE_BUILDER names where no engine runs: a command that takes `build CONTEXT -f DOCKERFILE
# -t TAG --build-arg NAME=VALUE --label NAME=VALUE`, and `size TAG` for the bytes of the unpacked image.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tag=${1:-aiot-anomaly-serving}
most_mb=300 # above the base
builder=${IMAGE_BUILDER:-docker}
if ! command -v "$builder" >/dev/null || { [ "$builder" = docker ] && ! docker info >/dev/null 2>&1; }; then
  echo "error: found no container engine behind '$builder'; start docker, or set IMAGE_BUILDER to what builds images" >&2
  exit 1
fi

size() {
  if [ "$builder" = docker ]; then docker image inspect --format '{{.Size}}' "$1"; else "$builder" size "$1"; fi
}

commit=$(git rev-parse HEAD 2>/dev/null) || commit=unknown
"$builder" build . -f serving/Dockerfile -t "$tag" \
  --build-arg "GIT_COMMIT=$commit" --build-arg "MODELS=$(scripts/model-versions.sh)"

scripts/bill-of-materials.sh

base=$(sed -n 's/^FROM \([^ ]*\)$/\1/p' serving/Dockerfile)
own_mb=$((($(size "$tag") - $(size "$base")) / 1000000))
echo "image $tag: $own_mb MB above $base (at most $most_mb); its bill of materials: reports/serving.cdx.json"
if [ "$own_mb" -gt "$most_mb" ]; then
  echo "error: the image has $own_mb MB above its base, expected at most $most_mb: see what serving/requirements.txt brings" >&2
  exit 1
fi
