# syntax=docker/dockerfile:1
# SPDX-FileCopyrightText: The dittofs-apiserver authors
# SPDX-License-Identifier: Apache-2.0
#
# The image for a registry:
#
#   docker buildx build --platform linux/amd64,linux/arm64 \
#     --build-arg VERSION="$(make -s print-version)" --build-arg COMMIT="$(git rev-parse HEAD)" \
#     --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" --tag REGISTRY/dittofs-apiserver:VERSION .
#
# `make image` makes the same image without Docker, from the same script and metadata; a test compares the two.

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETARCH
ARG VERSION=v0.0.0-dev
ARG COMMIT=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOARCH="$TARGETARCH" VERSION="$VERSION" COMMIT="$COMMIT" hack/image/compile.sh /out/dittofs-apiserver ./cmd/dittofs-apiserver

# Nothing else: no shell, no libraries, no certificates of the world. The server trusts the host cluster's authority,
# which comes with its ServiceAccount, and those that a DittoServer names.
FROM scratch
ARG VERSION=v0.0.0-dev
ARG COMMIT=
LABEL org.opencontainers.image.title="dittofs-apiserver" \
      org.opencontainers.image.description="Aggregated Kubernetes API server and controllers for DittoFS file servers" \
      org.opencontainers.image.source="https://github.com/dittofs/dittofs-apiserver" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}"
COPY --from=build --chmod=0755 /out/dittofs-apiserver /dittofs-apiserver
USER 65532:65532
WORKDIR /
EXPOSE 10250/tcp
ENTRYPOINT ["/dittofs-apiserver"]
