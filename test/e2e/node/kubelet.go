// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

func (n *Node) startKubelet(ctx context.Context) error {
	config := map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"address":                  "0.0.0.0",
		"cgroupDriver":             "cgroupfs",
		"cgroupRoot":               n.options.CgroupRoot,
		"failCgroupV1":             false,
		"failSwapOn":               false,
		"oomScoreAdj":              0,
		"makeIPTablesUtilChains":   false,
		"containerRuntimeEndpoint": "unix://" + n.options.Place.socket(),
		"podLogsDir":               filepath.Join(n.options.LogDir, "pods"),
		"clusterDomain":            "cluster.local",
		"clusterDNS":               []string{First.Address()},
		"resolvConf":               "",
		"tlsCertFile":              n.options.Files.ServingCert,
		"tlsPrivateKeyFile":        n.options.Files.ServingKey,
		"authentication":           map[string]any{"x509": map[string]any{"clientCAFile": n.options.Files.CA}, "anonymous": map[string]any{"enabled": false}},
		"authorization":            map[string]any{"mode": "Webhook"},
		// The disk belongs to somebody else: what it lacks is no reason to evict our pods.
		"evictionHard":                map[string]string{"memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%"},
		"imageGCHighThresholdPercent": 100,
		"syncFrequency":               "10s",
		"fileCheckFrequency":          "0s",
		"httpCheckFrequency":          "0s",
		"serializeImagePulls":         false,
	}
	data, err := yaml.Marshal(config)
	if err != nil {
		return err
	}
	if err := n.write("kubelet.yaml", string(data)); err != nil {
		return err
	}
	d, err := n.start("kubelet", n.binary("kubelet"),
		"--config="+filepath.Join(n.options.Dir, "kubelet.yaml"),
		"--kubeconfig="+n.options.Files.Kubelet,
		"--root-dir="+filepath.Join(n.options.Dir, "kubelet"),
		"--cert-dir="+filepath.Join(n.options.Dir, "kubelet-pki"),
		"--hostname-override="+n.options.Place.Name(),
		"--node-ip="+n.options.Place.Address())
	if err != nil {
		return err
	}
	return d.await(ctx, func(ctx context.Context) error {
		node := &corev1.Node{}
		if err := n.options.Client.Get(ctx, client.ObjectKey{Name: n.options.Place.Name()}, node); err != nil {
			return err
		}
		for _, taint := range node.Spec.Taints {
			if taint.Key == corev1.TaintNodeNotReady {
				return errors.New("the node is not ready")
			}
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status != corev1.ConditionTrue {
				return fmt.Errorf("the node is not ready: %s", condition.Message)
			}
		}
		return nil
	})
}
