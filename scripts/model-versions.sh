#!/bin/sh
# Prints the models that an image of the API carries, as one of its labels names them: fraud=fraud-1,leak=leak-2
set -eu
cd "$(dirname "$0")/.."

models=
for manifest in serving/models/*/bundle.json; do
  # the manifest's own line, not one of the profile within it
  version=$(sed -n 's/^  "version": "\([^"]*\)",*$/\1/p' "$manifest")
  name=$(basename "$(dirname "$manifest")")
  models=${models:+$models,}$name=${version:?"error: found no version in $manifest; promote the model again"}
done
echo "$models"
