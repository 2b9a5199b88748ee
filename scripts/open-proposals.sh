#!/usr/bin/env bash
# Opens a pull request for each proposed model below a folder: scripts/open-proposals.sh FOLDER [BASE]
# A proposal is a folder with branch.bundle (git's, of one branch), title.txt and body.md. What was opened once stays as
# it is, open, merged or closed. GH_TOKEN may write contents and pull requests; the remote is `origin`.
set -euo pipefail

folder=${1:?expected: scripts/open-proposals.sh FOLDER [BASE]} base=${2:-main}
for bundle in "$folder"/*/branch.bundle; do
  if [ ! -e "$bundle" ]; then
    echo "no model is proposed"
    exit
  fi
  proposal=$(dirname "$bundle")
  reference=$(git bundle list-heads "$bundle" | cut -d ' ' -f 2)
  branch=${reference#refs/heads/}
  if [ -z "$(git ls-remote --heads origin "$reference")" ]; then
    git fetch --quiet "$bundle" "$reference"
    git push --quiet origin "FETCH_HEAD:$reference"
  fi
  if [ "$(gh pr list --head "$branch" --state all --json number --jq length)" -gt 0 ]; then
    echo "$branch has a pull request already"
  else
    gh pr create --base "$base" --head "$branch" --title "$(cat "$proposal/title.txt")" --body-file "$proposal/body.md"
  fi
done
