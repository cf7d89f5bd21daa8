// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"os"
	"path/filepath"
	"testing"
)

// full is valid and has a value in most fields.
const full = `
apiVersion: dittofs.io/v1alpha1
kind: DittoServer
metadata: {name: files, labels: {team: a}, annotations: {example.com/note: x}}
spec:
  rollout: OnRequest
  image: registry.example.com:5000/dittofs@sha256:0000000000000000000000000000000000000000000000000000000000000001
  imagePullPolicy: IfNotPresent
  imagePullSecrets: [{name: pull}]
  replicas: 1
  storage: {metadataSize: 10Gi, contentSize: 1.5Ti, controlPlaneSize: 2Gi, storageClassName: fast-ssd}
  deletionPolicy: {volumes: Retain, database: Retain}
  database: {type: sqlite, sqlite: {path: /data/controlplane/db/control.db}}
  controlPlane:
    port: 9443
    certSecretName: files-tls
    tlsMinVersion: "1.3"
    writeTimeout: 5m
    ingress: {host: files.example.com, className: nginx, tlsSecretName: files-ingress, annotations: {a.example.com/b: c}}
  identity:
    jwt: {secretRef: {name: signing, key: signing.key}, accessTokenDuration: 60m, refreshTokenDuration: 24h}
    admin: {username: admin, passwordSecretRef: {name: admin, key: initial}}
    ldap:
      enabled: true
      url: ldaps://ldap.example.com
      baseDN: dc=example,dc=com
      bindDN: cn=dittofs,dc=example,dc=com
      bindPasswordSecretRef: {name: ldap, key: password}
      userAttr: uid
      idmap: rfc2307
    kerberos:
      enabled: true
      servicePrincipal: nfs/files.example.com@EXAMPLE.COM
      keytabSecretRef: {name: keytab, key: krb5.keytab}
      krb5ConfSecretRef: {name: keytab, key: krb5.conf}
  service: {type: LoadBalancer, annotations: {example.com/load-balancer: internal}, externalTrafficPolicy: Local, loadBalancerSourceRanges: [10.0.0.0/8]}
  adapterDiscovery: {pollingInterval: 10s}
  adapterServices: {type: NodePort, nfs: {port: 2049, nodePort: 32049, labels: {tier: nfs}}, smb: {type: ClusterIP, ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4, IPv6]}}
  networkPolicy:
    enabled: true
    apiSources: [{namespaceSelector: {matchLabels: {team: a}}}]
    adapterSources: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]
  metrics: {enabled: true, port: 9100, path: /metrics, bearerTokenSecret: {name: scrape, key: token}, serviceMonitor: {enabled: true, interval: 30s, labels: {release: prometheus}}}
  logging: {level: DEBUG, format: text, output: /data/controlplane/dfs.log}
  snapshotPolicies: [{share: /projects, interval: 24h, keepLast: 7, ttl: 168h, namePrefix: nightly}, {share: home, interval: "@hourly", enabled: false}]
  shutdownTimeout: 20s
  terminationGracePeriodSeconds: 90
  config: {gc: {auto_interval: 30m}, blockstore: {local: {max_log_bytes: 1073741824}}}
  resources: {limits: {memory: 4Gi}, requests: {cpu: "1.0005", memory: 2Gi, ephemeral-storage: 100M}}
  securityContext: {runAsNonRoot: true}
  podSecurityContext: {fsGroup: 65532}
  nodeSelector: {disk: ssd}
  tolerations: [{key: storage, operator: Exists, effect: NoSchedule}]
  affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: In, values: [a]}]}]}}}
  topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {spread: files}}}]
  priorityClassName: storage
  podLabels: {spread: files}
  podAnnotations: {example.com/scrape: "true"}
  extraEnv: [{name: GOMEMLIMIT, value: 3GiB}, {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
  extraVolumes: [{name: ca, configMap: {name: ca}}, {name: scratch, emptyDir: {sizeLimit: 1Gi}}]
  extraVolumeMounts: [{name: ca, mountPath: /etc/ca, readOnly: true}]
`

// percona is the other database.
const percona = `
apiVersion: dittofs.io/v1alpha1
kind: DittoServer
metadata: {generateName: files-}
spec:
  storage: {metadataSize: 1Gi, ephemeral: false}
  percona:
    enabled: true
    databaseName: dittofs
    replicas: 3
    storageSize: 20Gi
    storageClassName: ""
    resources: {requests: {cpu: 500m}}
    postgresVersion: 17
    crVersion: 2.9.0
    images: {postgres: example.com/pg:17, pgBackRest: example.com/backrest:1, pgBouncer: example.com/bouncer:1}
    pgBouncer: {replicas: 2}
    backup: {enabled: true, bucket: b, endpoint: s3.example.com, credentialsSecretRef: {name: s3}, path: /x, retentionDays: 30}
    readyTimeout: 20m
    deleteWithServer: true
`

// odd documents have the shapes that parsers stumble over. Most are refused.
var odd = []string{
	`{}`, `null`, `[]`, `"text"`, `1`, ``, `---`, `{"spec":null}`, `{"spec":[]}`, `{"metadata":null}`,
	`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}`,
	`{"apiVersion":"dittofs.io/v1alpha1","kind":"DittoServerList","items":[{}]}`,
	`{"kind":"DittoServer","apiVersion":"dittofs.io/v2"}`,
	`{"metadata":{"name":"` + "\u0000" + `"},"spec":{"storage":{"metadataSize":"1Gi"}}}`,
	`{"metadata":{"name":"files","creationTimestamp":"yesterday"}}`,
	`{"metadata":{"name":"files","managedFields":[{"operation":"Apply","fieldsV1":{"f:spec":{}}}]}}`,
	`{"spec":{"replicas":1.0}}`, `{"spec":{"replicas":1e400}}`, `{"spec":{"replicas":-0}}`, `{"spec":{"replicas":9223372036854775808}}`,
	// The same key twice, in another case, and unknown ones.
	`{"spec":{"image":"a","image":"b","Image":"c","replicas":0}}`,
	"a: &a [x]\nb: *a\nspec: {storage: &s {metadataSize: 1Gi}, config: {z: *s}}",
	"spec:\n  storage: {metadataSize: 0o17}\n  config: {on: yes, n: ~, d: 2001-01-01, f: .inf, b: !!binary aGk=}",
}

// quantities are put where a size is.
var quantities = []string{
	`"1Gi"`, `1`, `0`, `-1`, `"0"`, `"-1Gi"`, `""`, `" 1Gi"`, `"1.5e3"`, `"1E"`, `"1e"`, `"0.1m"`, `"1n"`, `1.1`, `1e3`,
	`"9223372036854775807"`, `"9223372036854775808Ei"`, `"1e999999999"`, `"0.000000000000000000001"`, `"٣"`, `null`, `true`, `{}`, `[]`,
}

// configs are put where the free configuration is.
var configs = []string{
	`{}`, `null`, `[]`, `{"a":null}`, `{"a":{"b":null,"c":[null,{"d":null}]}}`, `{"":""}`, `{"a":""}`, `{"a.b":{"c/d":1}}`,
	`{"n":1e400}`, `{"n":123456789012345678901234567890}`, `{"n":-0}`, `{"n":0.1e-400}`, `{"n":1.0}`, `{"n":1E2}`,
	`{"s":"<>&\u2028\ud800"}`, `{"s":"` + "\xff" + `"}`, `{"database":{"type":"x"}}`, `{"a":{"$patch":"delete"}}`, `{"$patch":"replace"}`,
	`{"a":1,"a":2}`, `{"a":{"b":1,"b":2}}`, `{"A":1,"a":{"A":2}}`,
	`{"deep":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}`,
}

// patches are changes, with the directives of a strategic merge among them.
var patches = []string{
	`{}`, `{"spec":{"replicas":0}}`, `{"spec":null}`, `{"spec":{"config":null}}`, `{"spec":{"config":{"gc":null}}}`,
	`{"spec":{"$patch":"replace","storage":{"metadataSize":"10Gi"}}}`, `{"$patch":"delete"}`,
	`{"spec":{"extraEnv":[{"name":"GOMEMLIMIT","$patch":"delete"}]}}`, `{"spec":{"extraEnv":[{"value":"no key"}]}}`,
	`{"spec":{"$setElementOrder/extraEnv":[{"name":"NODE"},{"name":"GOMEMLIMIT"}],"extraEnv":[{"name":"NODE","value":"x"}]}}`,
	`{"spec":{"extraVolumes":[{"$retainKeys":["name","emptyDir"],"name":"ca","emptyDir":{}}]}}`,
	`{"spec":{"$deleteFromPrimitiveList/x":["a"]}}`, `{"spec":{"snapshotPolicies":[{"share":"/projects","ttl":null},{"share":null}]}}`,
	`{"metadata":{"finalizers":["a.example.com/b"],"$deleteFromPrimitiveList/finalizers":["dittofs.io/teardown"]}}`,
	`{"spec":{"topologySpreadConstraints":[{"topologyKey":"zone","maxSkew":2}]}}`, `{"status":{"conditions":[{"type":"Ready"}]}}`,
}

// jsonPatches are changes in the form of RFC 6902.
var jsonPatches = []string{
	`[]`, `[{"op":"replace","path":"/spec/replicas","value":0}]`, `[{"op":"remove","path":"/spec/config"}]`, `[{"op":"remove","path":""}]`,
	`[{"op":"add","path":"/spec/extraEnv/-","value":{"name":"X","value":"y"}}]`, `[{"op":"add","path":"/spec/extraEnv/-1","value":null}]`,
	`[{"op":"move","from":"/spec/config/gc","path":"/spec/config/blockstore/local"}]`, `[{"op":"copy","from":"/spec","path":"/spec/config/spec"}]`,
	`[{"op":"test","path":"/spec/replicas","value":1},{"op":"add","path":"/metadata/labels","value":{"a~1b":"c"}}]`,
	`[{"op":"add","path":"/metadata/annotations/dittofs.io~1rollout","value":"now"}]`, `[{"op":"replace","path":"/kind","value":"Pod"}]`,
}

// intents are what a server-side apply sends besides whole manifests.
var intents = [][]byte{
	[]byte("apiVersion: dittofs.io/v1alpha1\nkind: DittoServer\nmetadata: {name: files}\nspec: {replicas: 0}"),
	[]byte("apiVersion: dittofs.io/v1alpha1\nkind: DittoServer\nmetadata: {name: files}\nspec: {config: {gc: {a: 1}}}"),
	[]byte("apiVersion: dittofs.io/v1alpha1\nkind: DittoServer\nmetadata: {name: files}\nspec: {extraEnv: [{name: A, value: b}, {name: A, value: c}]}"),
	[]byte("apiVersion: dittofs.io/v1alpha1\nkind: DittoServer\nmetadata: {name: files}\nspec: {snapshotPolicies: [{share: /projects, keepLast: 3}], tolerations: []}"),
	[]byte("apiVersion: dittofs.io/v1alpha1\nkind: DittoServer\nmetadata: {name: files, managedFields: [{}]}\nspec: {storage: {metadataSize: 20Gi}}"),
	[]byte("apiVersion: dittofs.io/v1alpha1\nkind: DittoServer\nmetadata: {name: files, finalizers: [a.example.com/b], ownerReferences: []}\nstatus: {phase: x}"),
	[]byte("apiVersion: dittofs.io/v2\nkind: DittoServer\nmetadata: {name: files}"),
}

// seeds are the documents that a run starts from: what users have, and what nobody should.
func seeds(t testing.TB) [][]byte {
	t.Helper()
	result := [][]byte{[]byte(full), []byte(percona)}
	for _, pattern := range []string{"../../artifacts/samples/*.yaml", "../../pkg/render/testdata/*.in.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("no seeds at %s (%v)", pattern, err)
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			result = append(result, content)
		}
	}
	for _, document := range odd {
		result = append(result, []byte(document))
	}
	head := `{"apiVersion":"dittofs.io/v1alpha1","kind":"DittoServer","metadata":{"name":"files"},"spec":`
	for _, quantity := range quantities {
		result = append(result, []byte(head+`{"storage":{"metadataSize":`+quantity+`},"resources":{"limits":{"memory":`+quantity+`}}}}`))
	}
	for _, config := range configs {
		result = append(result, []byte(head+`{"storage":{"metadataSize":"1Gi"},"config":`+config+`}}`))
	}
	return result
}
