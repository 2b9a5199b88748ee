#!/usr/bin/env bash
# Builds the image of a commit with Cloud Build and prints it by digest:
#   scripts/cloud-build.sh CONFIG IMAGE [TAG]     the tag is HEAD's commit by default
# What has the tag already is not built again. GCP_PROJECT, GCP_REGION, GCP_BUILD_ACCOUNT and GCP_SOURCES_BUCKET are as
# `terraform output github_variables` names them.
set -euo pipefail

usage="expected: scripts/cloud-build.sh CONFIG IMAGE [TAG]"
commit=$(git rev-parse HEAD)
config=${1:?$usage} image=${2:?$usage} tag=${3:-$commit}
: "${GCP_PROJECT:?}" "${GCP_REGION:?}" "${GCP_BUILD_ACCOUNT:?}" "${GCP_SOURCES_BUCKET:?}"

# before the first build there is no such image, and a list of nothing may be an error: then it is built
digest=$(gcloud artifacts docker images list "$image" --project "$GCP_PROJECT" --include-tags --filter "tags:$tag" \
  --format 'value(version)' --limit 1) || digest=
if [ -n "$digest" ]; then
  echo "$image:$tag is there already" >&2
else
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  # the commit and nothing else that lies in the checkout, such as credentials
  git archive --format tgz --output "$folder/source.tgz" "$commit"
  digest=$(gcloud builds submit "$folder/source.tgz" --config "$config" \
    --project "$GCP_PROJECT" --region "$GCP_REGION" --service-account "$GCP_BUILD_ACCOUNT" \
    --gcs-source-staging-dir "gs://$GCP_SOURCES_BUCKET/builds" \
    --substitutions "_IMAGE=$image,_TAG=$tag,COMMIT_SHA=$commit" \
    --suppress-logs --format 'value(results.images[0].digest)') || digest= # gcloud has said why, and where the log is
fi
case $digest in
  sha256:*) echo "$image@$digest" ;;
  *)
    echo "error: found the digest '$digest' of $image:$tag, expected sha256:…: the build failed, see its log" >&2
    exit 1
    ;;
esac
