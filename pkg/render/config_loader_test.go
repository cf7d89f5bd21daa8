// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// dfs ignores a key that it does not know, and does not do what the field of the spec promises.
func TestDfsKnowsEveryKeyThatIsRendered(t *testing.T) {
	known := loaderKeys(t)
	for _, tc := range rendered {
		t.Run(tc.name, func(t *testing.T) {
			server, in := tc.read(t)
			document := map[string]any{}
			if err := yaml.Unmarshal([]byte(all(t, server, in).ConfigMap.Data[render.ConfigKey]), &document); err != nil {
				t.Fatal(err)
			}
			for _, key := range dotted(document, "") {
				if !slices.Contains(known, key) {
					t.Errorf("DittoFS v0.29 does not know %s", key)
				}
			}
		})
	}
}

func dotted(document map[string]any, prefix string) []string {
	var keys []string
	for key, value := range document {
		if below, ok := value.(map[string]any); ok {
			keys = append(keys, dotted(below, prefix+key+".")...)
		} else {
			keys = append(keys, prefix+key)
		}
	}
	return keys
}

// The loader and the rules of a real dfs, if DFS_BINARY names one.
func TestDfsTakesTheConfiguration(t *testing.T) {
	binary := os.Getenv("DFS_BINARY")
	if binary == "" {
		t.Skip("DFS_BINARY does not name a dfs binary")
	}
	for _, tc := range rendered {
		t.Run(tc.name, func(t *testing.T) {
			server, in := tc.read(t)
			file := filepath.Join(t.TempDir(), render.ConfigKey)
			if err := os.WriteFile(file, []byte(all(t, server, in).ConfigMap.Data[render.ConfigKey]), 0o600); err != nil {
				t.Fatal(err)
			}
			command := exec.CommandContext(t.Context(), binary, "config", "validate", "--config", file)
			command.Env = []string{"HOME=" + t.TempDir(), "DITTOFS_CONTROLPLANE_SECRET=0123456789abcdef0123456789abcdef"}
			// What comes from Secrets. The loader checks that it is there before it looks at the rest.
			for _, env := range container(t, statefulSet(t, all(t, server, in))).Env {
				command.Env = append(command.Env, env.Name+"="+inPlaceOfASecret(env.Name, env.Value))
			}
			output, err := command.CombinedOutput()
			if err != nil || strings.Contains(string(output), "unknown keys") {
				t.Errorf("dfs config validate: %v\n%s", err, output)
			}
		})
	}
}

func inPlaceOfASecret(variable, value string) string {
	switch {
	case value != "":
		return value
	case strings.HasSuffix(variable, "_PORT"):
		return "5432"
	case strings.HasSuffix(variable, "_SSLMODE"):
		return "require"
	default:
		return "0123456789abcdef0123456789abcdef"
	}
}
