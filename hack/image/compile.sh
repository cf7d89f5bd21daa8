#!/usr/bin/env sh
# SPDX-FileCopyrightText: The dittofs-apiserver authors
# SPDX-License-Identifier: Apache-2.0
#
# Compiles a program for a container image: static, and the same bytes wherever and whenever the same source is compiled
# by the same Go.
#
#   [GOARCH=arm64] [VERSION=v0.1.0] [COMMIT=1a2b...] hack/image/compile.sh OUTPUT PACKAGE
set -eu

v=k8s.io/component-base/version
CGO_ENABLED=0 GOOS=linux exec go build -trimpath -buildvcs=false \
  -ldflags "-s -w -buildid= -X $v.gitVersion=${VERSION:-v0.0.0-dev} -X $v.gitCommit=${COMMIT:-} -X $v/verflag.programName=dittofs-apiserver" \
  -o "$1" "$2"
