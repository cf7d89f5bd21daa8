#!/usr/bin/env bash
# SPDX-FileCopyrightText: The dittofs-apiserver authors
# SPDX-License-Identifier: Apache-2.0
#
# Compiles what the images of `make e2e` hold, as release images are compiled: our server, the stand-in for dfs, the
# process that keeps a pod's namespaces, and etcd with its tool.
#
#   VERSION=... COMMIT=... hack/node/images.sh BIN_DIR
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

mkdir -p "$1"
echo "e2e: compiling what goes into the images (some minutes the first time)"
hack/image/compile.sh "$1/dittofs-apiserver" ./cmd/dittofs-apiserver
hack/image/compile.sh "$1/dfs" ./test/standin/cmd/dfs
hack/image/compile.sh "$1/pause" ./test/e2e/pause
# The etcd of the local control plane, as its own image has it: static.
(cd hack/controlplane && ../image/compile.sh "$1/etcd" go.etcd.io/etcd/server/v3 && ../image/compile.sh "$1/etcdctl" go.etcd.io/etcd/etcdctl/v3)
