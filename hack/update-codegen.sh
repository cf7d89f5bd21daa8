#!/usr/bin/env bash
# SPDX-FileCopyrightText: The dittofs-apiserver authors
# SPDX-License-Identifier: Apache-2.0

# Generates everything that is derived from the types in apis/. The generators
# are called one by one instead of through kube_codegen.sh, because that passes
# meta/v1 to validation-gen as read-only and then fails on metav1.Condition
# (https://github.com/kubernetes/kubernetes/issues/141765).
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

module=github.com/dittofs/dittofs-apiserver
api=$module/apis/dittofs/v1alpha1
api_dir=apis/dittofs/v1alpha1
generated=$module/pkg/generated
header=(--go-header-file hack/boilerplate.go.txt)

# Old output must not take part: a type that is gone would keep its old code.
find apis -name 'zz_generated.*' ! -name 'zz_generated.model_name.go' -delete
rm -rf pkg/generated

go tool register-gen "${header[@]}" --output-file zz_generated.register.go "./$api_dir"
go tool deepcopy-gen "${header[@]}" --output-file zz_generated.deepcopy.go "./$api_dir"
go tool defaulter-gen "${header[@]}" --output-file zz_generated.defaults.go "./$api_dir"
go tool validation-gen "${header[@]}" --output-file zz_generated.validations.go \
    --readonly-pkg k8s.io/apimachinery/pkg/api/resource \
    --readonly-pkg k8s.io/apimachinery/pkg/runtime \
    --readonly-pkg k8s.io/apimachinery/pkg/types \
    --readonly-pkg k8s.io/apimachinery/pkg/util/intstr \
    --readonly-pkg k8s.io/apimachinery/pkg/version \
    --readonly-pkg time \
    "./$api_dir"

# Without model names the definitions keep slashes, and every parser of the
# cluster's merged /openapi/v2 fails.
libraries=(
    k8s.io/api/autoscaling/v1
    k8s.io/api/core/v1
    k8s.io/api/networking/v1
    k8s.io/apimachinery/pkg/api/resource
    k8s.io/apimachinery/pkg/apis/meta/v1
    k8s.io/apimachinery/pkg/runtime
    k8s.io/apimachinery/pkg/util/intstr
    k8s.io/apimachinery/pkg/version
)
readonly_flags=()
for package in "${libraries[@]}"; do readonly_flags+=(--readonly-pkg "$package"); done
go tool openapi-gen "${header[@]}" "${readonly_flags[@]}" \
    --output-dir pkg/generated/openapi \
    --output-pkg "$generated/openapi" \
    --output-file zz_generated.openapi.go \
    --output-model-name-file zz_generated.model_name.go \
    --report-filename hack/api-rule-violations.list \
    "./$api_dir" "${libraries[@]}"

schema=$(mktemp)
trap 'rm -f "$schema"' EXIT
go run ./hack/models-schema >"$schema"

go tool applyconfiguration-gen "${header[@]}" \
    --openapi-schema "$schema" \
    --output-dir pkg/generated/applyconfiguration \
    --output-pkg "$generated/applyconfiguration" \
    "./$api_dir"
go tool client-gen "${header[@]}" \
    --clientset-name versioned \
    --input-base "" --input "$api" \
    --apply-configuration-package "$generated/applyconfiguration" \
    --output-dir pkg/generated/clientset \
    --output-pkg "$generated/clientset"
go tool lister-gen "${header[@]}" \
    --output-dir pkg/generated/listers --output-pkg "$generated/listers" "./$api_dir"
go tool informer-gen "${header[@]}" \
    --versioned-clientset-package "$generated/clientset/versioned" \
    --listers-package "$generated/listers" \
    --output-dir pkg/generated/informers --output-pkg "$generated/informers" \
    --single-directory \
    "./$api_dir"

# Last: the page shows the defaults that the generated code sets.
go run ./hack/apidocs
