// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// TestRandomDocuments changes valid documents where a person would get them
// wrong: a value of another type, a key too many or too few, a part of another
// document. A failure names its seed; FUZZ_SEED runs that one alone.
func TestRandomDocuments(t *testing.T) {
	s := newPipeline()
	stored := s.stored(t)
	var trees []any
	for _, document := range seeds(t) {
		var tree any
		if yaml.Unmarshal(document, &tree) == nil {
			if _, ok := tree.(map[string]any); ok {
				trees = append(trees, tree)
			}
		}
	}
	one := func(seed uint64) {
		m := &mutator{rand: rand.New(rand.NewPCG(seed, 0)), trees: trees}
		document := m.document()
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("FUZZ_SEED=%d\ndocument: %s", seed, document)
				}
			}()
			s.check(t, stored, document, runtime.ContentTypeJSON)
		})
	}
	if text := os.Getenv("FUZZ_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		one(seed)
		return
	}
	budget := 10 * time.Second
	if testing.Short() {
		budget = time.Second
	}
	count := 0
	for end := time.Now().Add(budget); time.Now().Before(end) && !t.Failed(); count++ {
		one(rand.Uint64())
	}
	t.Logf("%d documents", count)
}

// mutator makes documents out of others.
type mutator struct {
	rand  *rand.Rand
	trees []any
}

func (m *mutator) document() []byte {
	tree := m.copy(m.pick(m.trees))
	for range 1 + m.rand.IntN(4) {
		tree = m.mutate(tree, 0)
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return []byte(`{}`)
	}
	return text
}

// mutate goes down to a random place and changes it.
func (m *mutator) mutate(value any, depth int) any {
	switch value := value.(type) {
	case map[string]any:
		if len(value) == 0 || depth > 0 && m.rand.IntN(6) == 0 {
			return m.replace(value)
		}
		key := m.pickKey(value)
		switch m.rand.IntN(12) {
		case 0:
			delete(value, key)
		case 1:
			value[m.text()] = value[key]
		case 2:
			value["$patch"] = m.pick([]any{"delete", "replace", "merge", 1.})
		default:
			value[key] = m.mutate(value[key], depth+1)
		}
		return value
	case []any:
		if len(value) == 0 {
			return m.replace(value)
		}
		i := m.rand.IntN(len(value))
		switch m.rand.IntN(6) {
		case 0:
			return append(value[:i:i], value[i+1:]...)
		case 1:
			return append(value, m.copy(value[i]))
		}
		value[i] = m.mutate(value[i], depth+1)
		return value
	}
	return m.replace(value)
}

// replace is another value, most often of the same type.
func (m *mutator) replace(value any) any {
	if m.rand.IntN(4) == 0 {
		return m.part(m.copy(m.pick(m.trees)))
	}
	switch value.(type) {
	case string:
		return m.text()
	case float64:
		return m.pick([]any{0., 1., -1., 2., 36., 1023., 1024., 65535., 65536., 2147483647., 2147483648., -2147483649., 1e18, 9.3e18, .5})
	case bool:
		return m.rand.IntN(2) == 0
	}
	return m.pick([]any{nil, "", map[string]any{}, []any{}, 0., true, []any{nil}, map[string]any{"": nil}})
}

// part is a random value within another one.
func (m *mutator) part(value any) any {
	if m.rand.IntN(3) == 0 {
		return value
	}
	switch value := value.(type) {
	case map[string]any:
		if len(value) > 0 {
			return m.part(value[m.pickKey(value)])
		}
	case []any:
		if len(value) > 0 {
			return m.part(value[m.rand.IntN(len(value))])
		}
	}
	return value
}

// texts are words that some field takes, or almost takes.
var texts = []string{
	"", " ", "a", "A", "-", "a-", "a.b", "a/b", "/", "/a", "//", "..", "a..b", "/data/controlplane/x", "/data/controlplane/../x", "/data/store/block/x",
	"1Gi", "-1", "0", "1m", "59s", "1h1m", "24h", "@daily", "@yearly", "-5m", "999999h", "1.5h", "5", "* * * * *", "0 25 * * *", "@every 1s",
	"Retain", "Delete", "Automatic", "OnRequest", "sqlite", "postgres", "memory", "admin", "root", "stdout", "DEBUG", "json", "1.2", "1.3",
	"ClusterIP", "NodePort", "LoadBalancer", "ExternalName", "Local", "Cluster", "IPv4", "IPv6", "RequireDualStack", "SingleStack",
	"ldap://h", "ldaps://h:636", "ldap://user:pass@h", "ldap://h:99999", "http://h", "dc=a,dc=b", "nfs/a@B", "A@B@C", "EXAMPLE.COM", "FILES$",
	"10.0.0.0/8", "10.0.0.0/33", "::/0", "999.0.0.0/8", "h:1", "h:99999", "[::1]:80", "3.0.0", "2.9.0", "v3", "latest", "a:latest", "a@sha256:0",
	"DITTOFS_X", "KRB5CCNAME", "HOME", "LD_PRELOAD", "XDG_X", "AWS_CA_BUNDLE", "app", "instance", "dittofs.io/x", "app.kubernetes.io/x", "x.dittofs.io/y",
	"/app", "/config/x", "/tmp", "/tls", "/postgres-ca", "/etc/ca", "privileged", "Unconfined", "Localhost", "hostPath", "default",
	"\u0000", "\u2028", "é", "日本", "\U0001F4BE", "a\nb", "${X}", "$(X)", "{{.}}", "<script>", "%s%n",
}

func (m *mutator) text() string {
	switch m.rand.IntN(8) {
	case 0:
		return strings.Repeat("x", m.rand.IntN(300))
	case 1:
		return texts[m.rand.IntN(len(texts))] + texts[m.rand.IntN(len(texts))]
	}
	return texts[m.rand.IntN(len(texts))]
}

func (m *mutator) pick(values []any) any { return values[m.rand.IntN(len(values))] }

// pickKey sorts, so that a seed means the same each time.
func (m *mutator) pickKey(value map[string]any) string {
	keys := slices.Sorted(maps.Keys(value))
	return keys[m.rand.IntN(len(keys))]
}

func (m *mutator) copy(value any) any { return runtime.DeepCopyJSONValue(value) }
