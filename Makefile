# dittofs-apiserver. `make` lists the targets. Works with GNU make 3.81 (macOS) and later.

LOCAL := $(CURDIR)/.local
BIN   := $(LOCAL)/bin

# v0.1.0 on a clean tag, v0.1.0-dev+1a2b3c4 after it, v0.0.0-dev+1a2b3c4 before the first, v0.0.0-dev outside of git.
GIT_TAG    := $(shell git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null || echo v0.0.0)
GIT_COMMIT := $(shell git rev-parse HEAD 2>/dev/null)
GIT_DIRTY  := $(shell test -z "$$(git status --porcelain 2>/dev/null)" && echo clean || echo dirty)
GIT_EXACT  := $(shell git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null)
ifneq ($(GIT_EXACT)/$(GIT_DIRTY),$(GIT_TAG)/clean)
GIT_SUFFIX := -dev$(if $(GIT_COMMIT),+$(shell git rev-parse --short HEAD 2>/dev/null))
endif
VERSION ?= $(GIT_TAG)$(GIT_SUFFIX)

V := k8s.io/component-base/version
LDFLAGS := -s -w -X $(V).gitVersion=$(VERSION) -X $(V).gitCommit=$(GIT_COMMIT) -X $(V).gitTreeState=$(GIT_DIRTY) -X $(V)/verflag.programName=dittofs-apiserver

# No -trimpath and no CGO_ENABLED here: both are part of the build cache's key, and hack/controlplane/build.sh
# compiles the same packages of Kubernetes. Release images set what they need for themselves.
GO_BUILD := go build -ldflags '$(LDFLAGS)'

# EMULATED_VERSION=1.34 makes the local control plane behave like that Kubernetes release.
EMULATED_VERSION ?=
LOCALUP = '$(BIN)/localup' --root='$(CURDIR)'

.DEFAULT_GOAL := help

##@ Try it

.PHONY: demo
demo: local-binaries ## Build everything, start a local cluster, create a DittoServer and show what it becomes
	@$(LOCALUP) demo --emulated-version='$(EMULATED_VERSION)'

.PHONY: up
up: local-binaries ## Start the local cluster with our API and leave it running
	@$(LOCALUP) up --emulated-version='$(EMULATED_VERSION)'

.PHONY: down
down: localup ## Stop the local cluster; nothing but binaries and logs is left
	@$(LOCALUP) down

.PHONY: status
status: localup ## Show what runs of the local cluster
	@$(LOCALUP) status

##@ Build

.PHONY: build
build: ## Build dittofs-apiserver into .local/bin
	@mkdir -p '$(BIN)'
	@$(GO_BUILD) -o '$(BIN)/dittofs-apiserver' ./cmd/dittofs-apiserver

.PHONY: controlplane
controlplane: ## Build Kubernetes, etcd and kwok for the local cluster (about 9 minutes on 2 cores, once)
	@hack/controlplane/build.sh '$(BIN)'

.PHONY: standin
standin: ## Build the stand-in for the dfs API, which answers where no dfs process runs
	@mkdir -p '$(BIN)'
	@$(GO_BUILD) -o '$(BIN)/standin-dfs' ./test/standin/cmd/standin-dfs

.PHONY: localup
localup: ## Build the command behind up, down and demo
	@mkdir -p '$(BIN)'
	@$(GO_BUILD) -o '$(BIN)/localup' ./hack/localup

.PHONY: helm
helm: ## Build helm, which tests and packages the chart
	@mkdir -p '$(BIN)'
	@cd hack/helm && go build -ldflags '-s -w' -o '$(BIN)/helm' helm.sh/helm/v4/cmd/helm

# The tag of the image is what `make image` is pushed as: a tag has no +.
.PHONY: chart
chart: helm ## Package the Helm chart into .local/chart
	@'$(BIN)/helm' package artifacts/helm/dittofs-apiserver --version '$(patsubst v%,%,$(VERSION))' --app-version '$(subst +,-,$(VERSION))' --destination '$(LOCAL)/chart'

# In this order also under -j: controlplane shows its progress, and what comes after finds its packages compiled.
.PHONY: local-binaries
local-binaries:
	@$(MAKE) --no-print-directory controlplane
	@$(MAKE) --no-print-directory build
	@$(MAKE) --no-print-directory standin
	@$(MAKE) --no-print-directory localup

# ARCH=amd64,arm64 makes an image for both.
ARCH ?= $(shell go env GOARCH)

.PHONY: image
image: ## Make the container image without Docker: an OCI layout and an archive in .local/image
	@go run ./hack/image --version='$(VERSION)' --commit='$(GIT_COMMIT)' --created="$$(git log -1 --format=%ct 2>/dev/null || echo 0)" --arch='$(ARCH)'

# The second time with an empty build cache.
.PHONY: image-check
image-check: ## Make the image of the last commit twice, in two fresh clones, and compare every byte
	@go run ./hack/image check --version='$(VERSION)' --commit='$(GIT_COMMIT)' --created="$$(git log -1 --format=%ct)" --arch='$(ARCH)'

.PHONY: print-version
print-version:
	@echo '$(VERSION)'

##@ Develop

.PHONY: generate
generate: ## Generate code from the types in apis/
	@hack/update-codegen.sh

.PHONY: verify
verify: ## Fail if generated files or go.mod are not up to date
	@hack/verify.sh

.PHONY: lint
lint: ## Run the linters; the rules on imports are among them
	@mkdir -p '$(BIN)'
	@cd hack/tools && go build -o '$(BIN)/golangci-lint' github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@'$(BIN)/golangci-lint' run ./...

##@ Test

# The integration tests start control planes. Most of their time they wait for what happens on a schedule, so four packages
# run side by side. The two longest are named first: they begin first.
.PHONY: test
test: test-unit test-integration ## Run every test that CI runs

.PHONY: test-unit
test-unit: controlplane ## Run the unit tests; some use a real kube-apiserver
	@go test -timeout 15m $$(go list ./... | grep -v /test/integration/)

.PHONY: test-integration
test-integration: local-binaries helm ## Run the integration tests against local control planes
	@go test -count=1 -timeout 30m -p 4 ./test/integration/faults ./test/integration/lifecycle ./test/integration/...

# Linux, root. DFS_BINARY, a static dfs executable, takes the place of the stand-in in the pods.
CNI_BIN_DIR ?= /usr/lib/cni

.PHONY: e2e
e2e: ## Run our image and our manifests with real pods on this Linux machine, as root
	@CNI_BIN_DIR='$(CNI_BIN_DIR)' hack/node/install.sh
	@$(MAKE) --no-print-directory controlplane
	@hack/node/build.sh '$(BIN)'
	@VERSION='$(VERSION)' COMMIT='$(GIT_COMMIT)' hack/node/images.sh '$(LOCAL)/e2e/bin'
	@$(GO_BUILD) -o '$(BIN)/e2e' ./test/e2e
	@'$(BIN)/e2e' --root='$(CURDIR)' --cni-bin-dir='$(CNI_BIN_DIR)' $(E2E_FLAGS)

# DFS_BINARY is a dfs executable. Without it these tests are skipped. CONTRIBUTING.md says what they need.
.PHONY: test-dfs
test-dfs: ## Run the tests against the real server: DFS_BINARY=/path/to/dfs make test-dfs
	@go test -count=1 -v -timeout 20m ./test/dfs
	@go test -count=1 -run TestDfs ./pkg/render

# Only one target at a time can be fuzzed. What is found is kept in test/fuzz/testdata and run by every test.
FUZZTIME ?= 2m
FUZZ_TARGETS := FuzzDocument FuzzFilled FuzzPatch FuzzApply FuzzPut

.PHONY: fuzz
fuzz: ## Fuzz decoding, rules, patches and applies, each for FUZZTIME (2m)
	@for target in $(FUZZ_TARGETS); do \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime '$(FUZZTIME)' -fuzzminimizetime 20x ./test/fuzz || exit; \
	done

.PHONY: record-release
record-release: local-binaries ## Record what this build leaves behind, for the upgrade tests of later ones
	@go test -count=1 -timeout 20m ./test/integration/upgrade -run TestRecordTheRelease -record='$(VERSION)' $(RECORD_FLAGS)

##@ Measure

.PHONY: bench
bench: bench-api bench-reconcile ## Run every benchmark; each prints a table

.PHONY: bench-api
bench-api: local-binaries ## Compare our API with the same objects as a CRD, in one kube-apiserver
	@go run ./test/bench/api --bin-dir='$(BIN)' $(BENCH_FLAGS)

.PHONY: bench-reconcile
bench-reconcile: local-binaries ## Measure the controllers with 200 to 5,000 servers (about 20 minutes on 2 cores)
	@go run ./test/bench/reconcile --bin-dir='$(BIN)' $(BENCH_FLAGS)

##@ Faults

.PHONY: fault
fault: local-binaries ## Kill our server and members of its etcd 60 times under writes, and check every history (about 3 minutes)
	@go run ./test/fault --bin-dir='$(BIN)' $(FAULT_FLAGS)

##@ Clean

.PHONY: clean
clean: ## Stop the local cluster and remove everything that was built
	@if [ -d '$(LOCAL)/run' ]; then $(MAKE) --no-print-directory down; fi
	@rm -rf '$(BIN)' '$(LOCAL)/logs' '$(LOCAL)/test'

##@ Help

.PHONY: help
help: ## Show this help
	@awk 'BEGIN { FS = ":.*## "; print "Usage: make <target>" } \
		/^##@ / { section = substr($$0, 5) } \
		/^[a-zA-Z0-9_-]+:.*## / { \
			if (section != shown) { printf "\n%s\n", section; shown = section } \
			printf "  %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
