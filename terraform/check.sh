#!/usr/bin/env bash
# Checks formatting and types of the configuration and runs its tests, without an account: terraform/check.sh
# On a copy, so that nothing is left behind here. TERRAFORM names another command than `terraform`.
set -euo pipefail

terraform=${TERRAFORM:-terraform}
if ! command -v "$terraform" >/dev/null; then
  echo "error: found no command '$terraform', expected Terraform 1.9 or newer; install it or set TERRAFORM" >&2
  exit 1
fi

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
# without what is this checkout's own; the function's archive is made of src/ and functions/
tar -C "$root" --exclude=.terraform --exclude='*.tfstate*' --exclude=terraform.tfvars --exclude='*.auto.tfvars' \
  --exclude='*_override.tf' --exclude=__pycache__ \
  -cf - terraform src functions | tar -C "$copy" -xf -

run() {
  echo "terraform $*"
  "$terraform" -chdir="$copy/terraform" "$@"
}

run fmt -check -diff -recursive
run init -backend=false -input=false -no-color
run validate -no-color
run test -no-color
