// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// startProxy makes Services work. Of the limits of connection tracking, a network namespace may set none.
func (n *Node) startProxy(ctx context.Context) error {
	config := map[string]any{
		"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
		"mode":               "nftables",
		"clusterCIDR":        podNetwork,
		"hostnameOverride":   n.options.Place.Name(),
		"clientConnection":   map[string]any{"kubeconfig": n.options.Files.Proxy},
		"healthzBindAddress": n.options.Place.Address() + ":10256", "metricsBindAddress": "127.0.0.1:10249",
		"oomScoreAdj": 0,
		"conntrack":   map[string]any{"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
	}
	data, err := yaml.Marshal(config)
	if err != nil {
		return err
	}
	if err := n.write("kube-proxy.yaml", string(data)); err != nil {
		return err
	}
	d, err := n.start("kube-proxy", n.binary("kube-proxy"), "--config="+filepath.Join(n.options.Dir, "kube-proxy.yaml"))
	if err != nil {
		return err
	}
	return d.await(ctx, healthy("http://"+n.options.Place.Address()+":10256/healthz"))
}

const corefile = `.:53 {
    bind %[1]s
    errors
    health 127.0.0.1:8180
    ready 127.0.0.1:8181
    cache 5
    kubernetes cluster.local in-addr.arpa {
        kubeconfig %[2]s
        pods disabled
    }
}
`

// startDNS serves the names of the cluster at the address of the first node, to the pods of all.
func (n *Node) startDNS(ctx context.Context) error {
	if err := n.write("Corefile", fmt.Sprintf(corefile, First.Address(), n.options.DNSKubeconfig)); err != nil {
		return err
	}
	d, err := n.start("coredns", n.binary("coredns"), "-conf", filepath.Join(n.options.Dir, "Corefile"))
	if err != nil {
		return err
	}
	return d.await(ctx, healthy("http://127.0.0.1:8181/ready"))
}

func healthy(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(response.Body, 512))
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s: %s", url, response.Status, body)
		}
		return nil
	}
}
