// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package assemble

import (
	"path/filepath"
	"time"
)

// nonRoot is the user of our image and of DittoFS's.
const nonRoot = 65532

// Origin is where a binary comes from, as the Makefile knows it.
type Origin struct {
	Version, Commit string
	// Created is the time of the commit.
	Created time.Time
}

// Server describes the image of dittofs-apiserver. The Dockerfile says the same; a test compares them.
func Server(binary, architecture string, origin Origin) Spec {
	return Spec{
		OS: "linux", Architecture: architecture,
		Entries:    []Entry{{Path: "/dittofs-apiserver", Source: binary, Mode: 0o755}},
		User:       "65532:65532",
		WorkingDir: "/",
		Entrypoint: []string{"/dittofs-apiserver"},
		Ports:      []string{"10250/tcp"},
		Labels: map[string]string{
			"org.opencontainers.image.title":       "dittofs-apiserver",
			"org.opencontainers.image.description": "Aggregated Kubernetes API server and controllers for DittoFS file servers",
			"org.opencontainers.image.source":      "https://github.com/dittofs/dittofs-apiserver",
			"org.opencontainers.image.licenses":    "Apache-2.0",
			"org.opencontainers.image.version":     origin.Version,
			"org.opencontainers.image.revision":    origin.Commit,
		},
		Created: origin.Created,
	}
}

// DFS describes an image that is run as DittoFS's own is: the same paths, the same user, the same command.
func DFS(binary, architecture string, origin Origin) Spec {
	spec := Spec{
		OS: "linux", Architecture: architecture,
		Entries:    []Entry{{Path: "/app", Mode: 0o755, Owner: nonRoot}, {Path: "/app/dfs", Source: binary, Mode: 0o755}},
		User:       "65532:65532",
		WorkingDir: "/app",
		Entrypoint: []string{"/app/dfs"},
		Cmd:        []string{"start", "--foreground", "--config", "/config/config.yaml"},
		Env:        []string{"HOME=/app"},
		Ports:      []string{"12049/tcp", "12445/tcp", "8080/tcp"},
		Labels:     map[string]string{"org.opencontainers.image.title": "dittofs", "org.opencontainers.image.version": origin.Version},
		Created:    origin.Created,
	}
	for _, dir := range []string{"/config", "/data", "/data/cache", "/data/content", "/data/metadata"} {
		spec.Entries = append(spec.Entries, Entry{Path: dir, Mode: 0o755, Owner: nonRoot})
	}
	return spec
}

// Etcd describes an image that is run as that of the etcd project is: the programs of a directory are found by their names.
func Etcd(binDir, architecture string, origin Origin) Spec {
	return Spec{
		OS: "linux", Architecture: architecture,
		Entries: []Entry{
			{Path: "/usr/local/bin/etcd", Source: filepath.Join(binDir, "etcd"), Mode: 0o755},
			{Path: "/usr/local/bin/etcdctl", Source: filepath.Join(binDir, "etcdctl"), Mode: 0o755},
		},
		Entrypoint: []string{"/usr/local/bin/etcd"},
		Env:        []string{"PATH=/usr/local/bin:/usr/bin"},
		Ports:      []string{"2379/tcp", "2380/tcp"},
		Created:    origin.Created,
	}
}

// Pause describes the image that holds the namespaces of a pod.
func Pause(binary, architecture string, origin Origin) Spec {
	return Spec{
		OS: "linux", Architecture: architecture,
		Entries: []Entry{{Path: "/pause", Source: binary, Mode: 0o755}},
		User:    "65532:65532", Entrypoint: []string{"/pause"}, Created: origin.Created,
	}
}
