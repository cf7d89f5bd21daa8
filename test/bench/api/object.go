// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
)

// secrets are those that an object may name, with the keys that it expects in them.
var secrets = map[string]string{"signing": "jwt-secret", "admin": "password"}

// specText is what a team writes that has thought about its server: more than the sample, less than everything.
const specText = `{
  "image": "marmos91c/dittofs:v0.29.0", "replicas": 1,
  "storage": {"metadataSize": "10Gi", "contentSize": "100Gi", "controlPlaneSize": "1Gi", "storageClassName": "fast"},
  "deletionPolicy": {"volumes": "Retain", "database": "Retain"},
  "database": {"type": "sqlite"},
  "controlPlane": {"port": 8080, "writeTimeout": "2m"},
  "identity": {"jwt": {"accessTokenDuration": "15m", "refreshTokenDuration": "168h"%s}, "admin": {"username": "admin"%s}},
  "service": {"type": "ClusterIP", "labels": {"team": "media"}},
  "adapterServices": {"type": "LoadBalancer", "annotations": {"example.com/load-balancer": "internal"}, "loadBalancerSourceRanges": ["10.0.0.0/8"]},
  "networkPolicy": {"enabled": true, "apiSources": [{"namespaceSelector": {"matchLabels": {"team": "media"}}}]},
  "metrics": {"enabled": true, "port": 9090, "path": "/metrics"},
  "logging": {"level": "INFO", "format": "json", "output": "stdout"},
  "snapshotPolicies": [{"share": "/projects", "interval": "24h", "keepLast": 7, "ttl": "168h"}, {"share": "/home", "interval": "@hourly", "keepLast": 24}],
  "config": {"gc": {"auto_interval": "30m"}},
  "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "4Gi"}},
  "nodeSelector": {"disk": "ssd"},
  "tolerations": [{"key": "storage", "operator": "Exists", "effect": "NoSchedule"}],
  "podAnnotations": {"example.com/owner": "media"},
  "extraEnv": [{"name": "GOMEMLIMIT", "value": "3GiB"}]
}`

// statusText is what the controllers write about a server that runs.
const statusText = `{
  "observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "phase": "Running", "version": "v0.29.0",
  "configHash": "7d1a54127b222502f5b79b5fb0803061152a44f92b37e23c6527baf665d4da9a",
  "selector": "app=dittofs-server,instance=%[1]s",
  "endpoints": {"api": "http://%[1]s-api.bench.svc:8080"},
  "adapters": [
    {"type": "nfs", "enabled": true, "running": true, "port": 2049, "address": "10.1.2.3:2049", "mountHint": "mount -t nfs -o vers=4.1 10.1.2.3:/SHARE /mnt"},
    {"type": "smb", "enabled": true, "running": true, "port": 445, "address": "10.1.2.3:445", "mountHint": "mount -t cifs //10.1.2.3/SHARE /mnt"}],
  "volumes": [
    {"name": "metadata", "claimName": "metadata-%[1]s-0", "requested": "10Gi", "capacity": "10Gi", "phase": "Bound"},
    {"name": "content", "claimName": "content-%[1]s-0", "requested": "100Gi", "capacity": "100Gi", "phase": "Bound"},
    {"name": "controlplane", "claimName": "controlplane-%[1]s-0", "requested": "1Gi", "capacity": "1Gi", "phase": "Bound"}],
  "database": {"kind": "sqlite", "ready": true},
  "conditions": [%[2]s]
}`

// conditionText is one of the eight that a server has.
const conditionText = `{"type": "%s", "status": "True", "reason": "AsExpected", "message": "Everything that the spec asks for is there and works.", "observedGeneration": 1, "lastTransitionTime": "2026-01-02T03:04:05Z"}`

var conditionTypes = []string{
	"Ready", "Progressing", "Available", "ConfigReady", "VolumesReady", "DatabaseReady", "AdaptersReady", "ServiceReady",
}

// manifest is the object as a client sends it.
func (s *subject) manifest(name, spec string) []byte {
	return fmt.Appendf(nil, `{"apiVersion": "%s", "kind": "DittoServer", "metadata": {"name": "%s", "labels": {"team": "media", "env": "prod"}}, "spec": %s}`,
		s.apiVersion(), name, spec)
}

func plainSpec() string { return fmt.Sprintf(specText, "", "") }

// specWithSecrets names two Secrets, which our admission looks up for the requester.
func specWithSecrets() string {
	return fmt.Sprintf(specText,
		`, "secretRef": {"name": "signing", "key": "jwt-secret"}`,
		`, "passwordSecretRef": {"name": "admin", "key": "password"}`)
}

// specOfItsOwn has a field of the pod that no other object has: our admission has each checked by the host cluster.
func specOfItsOwn(name string) string {
	return strings.Replace(plainSpec(), `"example.com/owner": "media"`, `"example.com/owner": "`+name+`"`, 1)
}

func status(name string) []byte {
	conditions := make([]string, len(conditionTypes))
	for i, conditionType := range conditionTypes {
		conditions[i] = fmt.Sprintf(conditionText, conditionType)
	}
	return fmt.Appendf(nil, `{"status": `+statusText+`}`, name, strings.Join(conditions, ","))
}
