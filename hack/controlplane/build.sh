#!/usr/bin/env bash
# SPDX-FileCopyrightText: The dittofs-apiserver authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds the local control plane (etcd, kube-apiserver, kube-controller-manager,
# kube-scheduler, kubectl, kwok) from the modules pinned in this directory's go.mod.
#
#   hack/controlplane/build.sh [BIN_DIR [plane|node]]      BIN_DIR defaults to <repo>/.local/bin
#
# With node, it builds what makes a machine a node of the same release instead: kubelet and kube-proxy.
#
# KUBEBUILDER_ASSETS, when set, names a directory whose etcd, kube-apiserver and
# kubectl are linked instead of being built. Runs with the bash 3.2 of macOS too.
#
# No -trimpath: it is part of the build cache's key, and the packages compiled
# here are the ones our own server is linked from.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${1:-$here/../../.local/bin}
set=${2:-plane}
mkdir -p "$bin"
bin=$(cd "$bin" && pwd)
assets=${KUBEBUILDER_ASSETS:-}
cd "$here"

linked=() wanted=() targets=()
pick() { # pick NAME PACKAGE: link it from KUBEBUILDER_ASSETS or plan to build it
  case $1 in
  etcd | kube-apiserver | kubectl)
    if [ -n "$assets" ] && [ -x "$assets/$1" ]; then
      linked+=("$1")
      return
    fi
    ;;
  esac
  wanted+=("$1") targets+=("$2")
}
case $set in
plane)
  stamp=$bin/.controlplane.stamp
  pick kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
  pick kubectl k8s.io/kubernetes/cmd/kubectl
  pick kube-controller-manager k8s.io/kubernetes/cmd/kube-controller-manager
  pick kube-scheduler k8s.io/kubernetes/cmd/kube-scheduler
  pick kwok sigs.k8s.io/kwok/cmd/kwok
  pick etcd go.etcd.io/etcd/server/v3
  ;;
node)
  stamp=$bin/.node.stamp
  pick kubelet k8s.io/kubernetes/cmd/kubelet
  pick kube-proxy k8s.io/kubernetes/cmd/kube-proxy
  ;;
*)
  echo "controlplane: $set is neither plane nor node" >&2
  exit 2
  ;;
esac

# The stamp says what the binaries were made from, so that a second run costs
# milliseconds: asking go itself whether anything is stale takes seconds.
key="$(cat go.mod go.sum build.sh | cksum) $(go env GOVERSION GOOS GOARCH CGO_ENABLED GOFLAGS | tr '\n' ' ')$assets"
complete=yes
for name in "${wanted[@]}" ${linked[@]+"${linked[@]}"}; do
  [ -x "$bin/$name" ] || complete=no
done
if [ $complete = yes ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ]; then
  exit 0
fi
rm -f "$stamp"

for name in ${linked[@]+"${linked[@]}"}; do
  ln -sf "$(cd "$assets" && pwd)/$name" "$bin/$name"
  echo "controlplane: $name from KUBEBUILDER_ASSETS"
done

# Everything lands in a directory of its own and is renamed when whole, so that
# an interrupted build leaves no half binary behind.
out=$bin/.building.$$
trap 'rm -rf "$out"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$out"

version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${version#v*.}
minor=${minor%%.*}
major=${version#v}
major=${major%%.*}
v=k8s.io/component-base/version
# Without a version kubectl and --emulated-version cannot parse what the server says.
ldflags="-s -w -X $v.gitVersion=$version -X $v.gitMajor=$major -X $v.gitMinor=$minor -X $v.gitTreeState=clean"

total=$(go list -deps -f '{{if .Stale}}{{.ImportPath}}{{end}}' "${targets[@]}" | sed '/^$/d' | wc -l | tr -d ' ')
if [ "$total" -gt 500 ]; then
  echo "controlplane: compiling Kubernetes $version, $total packages: about 9 minutes on 2 cores, once."
  echo "controlplane: an interrupted build goes on where it stopped."
elif [ "$total" -gt "${#wanted[@]}" ]; then
  echo "controlplane: building Kubernetes $version, $total packages to compile"
else
  echo "controlplane: linking ${wanted[*]} (about a minute)"
fi

# progress reads the package names that `go build -v` prints and says how far the
# build is: one line rewritten on a terminal, a line per 10 % or 30 s elsewhere.
progress() {
  local done=0 percent=0 said=0 said_at=$SECONDS line
  while IFS= read -r line; do
    case $line in
    *[[:space:]:]* | '') printf '%s\n' "$line"; continue ;; # a compiler's message, not a package
    esac
    done=$((done + 1))
    [ "$done" -gt "$total" ] && done=$total
    [ "$total" -gt 0 ] && percent=$((done * 100 / total))
    if [ -t 1 ]; then
      printf '\rcontrolplane: %3d%% (%d/%d packages, %ds)' "$percent" "$done" "$total" "$SECONDS"
    elif [ $((percent - said)) -ge 10 ] || [ $((SECONDS - said_at)) -ge 30 ]; then
      printf 'controlplane: %3d%% (%d/%d packages, %ds)\n' "$percent" "$done" "$total" "$SECONDS"
      said=$percent said_at=$SECONDS
    fi
  done
  if [ -t 1 ] && [ "$done" -gt 0 ]; then printf '\n'; fi
}

# One invocation per binary name only where go would choose another name: etcd's
# package is called server.
compile() {
  local rest=() i
  for i in "${!wanted[@]}"; do
    [ "${wanted[$i]}" = etcd ] || rest+=("${targets[$i]}")
  done
  go build -v -ldflags "$ldflags" -o "$out/" "${rest[@]}"
  for i in "${!wanted[@]}"; do
    [ "${wanted[$i]}" != etcd ] || go build -v -ldflags "-s -w" -o "$out/etcd" "${targets[$i]}"
  done
}
compile 2>&1 | progress

for name in "${wanted[@]}"; do
  mv -f "$out/$name" "$bin/$name"
done
printf '%s' "$key" >"$stamp"
echo "controlplane: ${wanted[*]} ready in ${bin} (${SECONDS}s)"
