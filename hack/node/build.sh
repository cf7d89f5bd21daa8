#!/usr/bin/env bash
# SPDX-FileCopyrightText: The dittofs-apiserver authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds what makes this machine a node with real pods: kubelet and kube-proxy of the release of the local control plane,
# containerd with its shim and ctr, and CoreDNS, each from a pinned Go module.
#
#   hack/node/build.sh BIN_DIR
set -euo pipefail

hack=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$1"
bin=$(cd "$1" && pwd)

"$hack/controlplane/build.sh" "$bin" node

# build NAME TAGS PACKAGE...: from the module hack/NAME, unless that is what the binaries were made from.
build() {
  local name=$1 tags=$2 stamp=$bin/.$1.stamp key complete=yes package
  shift 2
  cd "$hack/$name"
  key="$(cat go.mod go.sum ./*.go 2>/dev/null | cksum) $(go env GOVERSION GOOS GOARCH CGO_ENABLED GOFLAGS | tr '\n' ' ')$tags"
  for package in "$@"; do
    [ "$package" = . ] && package=$name
    [ -x "$bin/${package##*/}" ] || complete=no
  done
  if [ $complete = yes ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ]; then
    return
  fi
  echo "node: building $name"
  rm -f "$stamp"
  go build -tags "$tags" -ldflags '-s -w' -o "$bin/" "$@"
  printf '%s' "$key" >"$stamp"
}

# Without the snapshotters that take libraries or kernels of their own.
build containerd 'no_btrfs no_zfs no_devmapper' \
  github.com/containerd/containerd/v2/cmd/containerd \
  github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2 \
  github.com/containerd/containerd/v2/cmd/ctr
build coredns '' .
