// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package api_test holds the API of dittofs.io to what users of Kubernetes expect of any kind, through a real
// kube-apiserver. Our controllers are off: nothing but a test changes its objects, so resource versions tell
// whether something was stored. What controllers do with the objects is tested elsewhere.
package api_test

import (
	"testing"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

var dittoservers = dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers")

func TestMain(m *testing.M) {
	harness.Run(m, harness.Options{ServerArgs: []string{harness.WithoutControllers()}}, &cluster)
}
