#!/usr/bin/env bash
# Moves Terraform's state into the bucket that the first apply has made, or takes up the state that is already there.
set -euo pipefail

usage() {
  cat <<'END'
usage: terraform/remote-state.sh PROJECT_ID [ENVIRONMENT]
       terraform/remote-state.sh --local

The first form lets Terraform work with the state in the bucket PROJECT_ID-aiot-state[-ENVIRONMENT]. A local state of
that project and environment is moved there, after Terraform has asked. Without one, as in CI or on a second machine,
the state in the bucket is taken up. Once more changes nothing; another environment changes over to that one's state.

The second form moves the state back here. A tear-down begins with it: the bucket goes with the rest.

TERRAFORM names another command than `terraform`. The choice is written to terraform/backend_override.tf, which git
ignores. Without that file the state is local.
END
}

fail() {
  echo "error: $*" >&2
  exit 1
}

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
override=$folder/backend_override.tf
state=$folder/terraform.tfstate
terraform=${TERRAFORM:-terraform}

init() {
  # nobody answers in CI
  [ -t 0 ] && [ -z "${CI:-}" ] || set -- "$@" -input=false
  "$terraform" -chdir="$folder" init "$@"
}

# What was chosen before stays the choice if Terraform cannot carry out the new one.
keep_choice() {
  before=$(mktemp)
  if [ -e "$override" ]; then cp "$override" "$before"; else rm "$before"; fi
  trap 'if [ -e "$before" ]; then mv "$before" "$override"; else rm -f "$override"; fi' EXIT
}

made_choice() {
  trap - EXIT
  rm -f "$before"
}

case ${1:-} in
  -h | --help)
    usage
    exit
    ;;
esac
command -v "$terraform" >/dev/null ||
  fail "found no command '$terraform', expected Terraform 1.9 or newer; install it or set TERRAFORM"

if [ "${1:-}" = --local ]; then
  [ $# -eq 1 ] || fail "--local takes nothing else; see --help"
  [ -e "$override" ] || fail "the state is local already: there is no $override"
  keep_choice
  rm "$override"
  init -migrate-state
  made_choice
  echo "The state is in $state"
  exit
fi

[ $# -ge 1 ] && [ $# -le 2 ] || { usage >&2; exit 2; }
project=$1
environment=${2:-}
[[ $project =~ ^[a-z][a-z0-9-]{4,28}[a-z0-9]$ ]] || fail "'$project' is no project id, expected one such as my-project"
[[ $environment =~ ^([a-z][a-z0-9]{0,7})?$ ]] || fail "'$environment' is no environment, expected one such as dev or prod"
bucket=$project-aiot-state${environment:+-$environment}

# Terraform empties a local state that it has moved.
if [ -s "$state" ] && [ ! -e "$override" ]; then
  grep -qF "\"$bucket\"" "$state" ||
    fail "the state in $state knows no bucket $bucket: apply first, or move that state away if it is another environment's"
  how=-migrate-state
else
  how=-reconfigure
fi

keep_choice
cat >"$override" <<END
# written by remote-state.sh
terraform {
  backend "gcs" {
    bucket = "$bucket"
    prefix = "terraform"
  }
}
END
init "$how"
made_choice
echo "The state is in gs://$bucket/terraform"
