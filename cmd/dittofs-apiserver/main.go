// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command dittofs-apiserver serves the API group dittofs.io to a Kubernetes cluster.
package main

import (
	"os"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"

	"github.com/dittofs/dittofs-apiserver/pkg/server"
)

func main() {
	os.Exit(cli.Run(server.NewCommand(genericapiserver.SetupSignalContext())))
}
