#!/usr/bin/env bash
# Plans what an apply would change, into terraform/tfplan: scripts/terraform-plan.sh [OPTION of terraform plan...]
# GCP_ENVIRONMENT may name one of terraform/environments/, and TFVARS hold further settings, in the form of a .tfvars file.
# In a GitHub workflow the plan is on the run's page afterwards.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../terraform"

terraform=${TERRAFORM:-terraform}
settings=$(mktemp --suffix .tfvars)
trap 'rm -f "$settings"' EXIT
printf '%s\n' "${TFVARS:-}" >"$settings"

# the last one wins
files=()
if [ -n "${GCP_ENVIRONMENT:-}" ]; then files+=(-var-file "environments/$GCP_ENVIRONMENT.tfvars"); fi
files+=(-var-file "$settings")
"$terraform" plan -input=false -no-color "${files[@]}" -out tfplan "$@"

if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  {
    printf '## terraform plan\n\n```text\n'
    "$terraform" show -no-color tfplan | head --bytes 900000 # the page takes one MiB
    printf '\n```\n'
  } >>"$GITHUB_STEP_SUMMARY"
fi
