#!/usr/bin/env bash
# Plans what an apply would change, into terraform/tfplan: scripts/terraform-plan.sh [OPTION of terraform plan...]
# GCP_ENVIRONMENT may name one of terraform/environments/, and TFVARS hold further settings, in the form of a .tfvars
# file. In a GitHub workflow the plan is on the run's page afterwards.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../terraform"

terraform=${TERRAFORM:-terraform}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf '%s\n' "${TFVARS:-}" >"$folder/settings.tfvars"

# the last one wins
files=()
if [ -n "${GCP_ENVIRONMENT:-}" ]; then files+=(-var-file "environments/$GCP_ENVIRONMENT.tfvars"); fi
files+=(-var-file "$folder/settings.tfvars")
"$terraform" plan -input=false -no-color "${files[@]}" -out tfplan "$@"

if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  "$terraform" show -no-color tfplan >"$folder/plan.txt"
  {
    printf '## terraform plan\n\n```text\n'
    head -c 900000 "$folder/plan.txt" # the page takes one MiB
    printf '\n```\n'
  } >>"$GITHUB_STEP_SUMMARY"
fi
