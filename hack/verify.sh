#!/usr/bin/env bash
# SPDX-FileCopyrightText: The dittofs-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Fails if anything generated is not what the generators make of the tree as it
# is. It works on a copy, so that a failed run changes nothing.
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    [ -e "$file" ] && printf '%s\0' "$file"
done | tar --null --files-from=- -cf - | tar -xf - -C "$copy"

status=0
for module in . hack/controlplane hack/containerd hack/coredns hack/helm hack/tools; do
    if ! (cd "$module" && go mod tidy -diff); then
        echo "verify: go.mod or go.sum of $module is not tidy: run 'go mod tidy' there" >&2
        status=1
    fi
done
(cd "$copy" && hack/update-codegen.sh)
for path in apis pkg/generated hack/api-rule-violations.list; do
    if ! diff -ruN "$path" "$copy/$path"; then
        echo "verify: $path is not up to date: run 'make generate'" >&2
        status=1
    fi
done
exit "$status"
