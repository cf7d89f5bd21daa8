#!/usr/bin/env bash
# SPDX-FileCopyrightText: The dittofs-apiserver authors
# SPDX-License-Identifier: Apache-2.0
#
# Installs what `make e2e` needs of the distribution, where it is missing: runc and the CNI plugins, which link C
# libraries, the tools by which kubelet and kube-proxy change mounts and packet filters, and jq, which docs/upgrade.md
# uses. Debian and Ubuntu; elsewhere it says what to install.
set -euo pipefail

missing=()
need() { # need PACKAGE COMMAND-OR-FILE
  case $2 in
  /*) [ -e "$2" ] || missing+=("$1") ;;
  *) command -v "$2" >/dev/null || missing+=("$1") ;;
  esac
}
export PATH=$PATH:/usr/sbin:/sbin
need runc runc
need containernetworking-plugins "${CNI_BIN_DIR:-/usr/lib/cni}/bridge"
need nftables nft
need conntrack conntrack
need iproute2 ip
need mount mount
need jq jq
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "e2e: install ${missing[*]} first; CNI plugins elsewhere than in /usr/lib/cni: CNI_BIN_DIR=DIR make e2e" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "e2e: run it as root: ${missing[*]} have to be installed, and a kubelet be started" >&2
  exit 1
fi
echo "e2e: installing ${missing[*]}"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
