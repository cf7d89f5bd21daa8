// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// configWith sets one dotted key, as its author nests it.
func configWith(t *testing.T, key, value string) map[string]dittofsv1alpha1.Value {
	t.Helper()
	first, rest, nested := strings.Cut(key, ".")
	for nested {
		var last string
		if i := strings.LastIndex(rest, "."); i >= 0 {
			rest, last = rest[:i], rest[i+1:]
		} else {
			rest, last, nested = "", rest, false
		}
		value = `{"` + last + `":` + value + `}`
	}
	var parsed dittofsv1alpha1.Value
	if err := json.Unmarshal([]byte(value), &parsed); err != nil {
		t.Fatal(err)
	}
	return map[string]dittofsv1alpha1.Value{first: parsed}
}

// The list is from the source of DittoFS v0.29.0: what the loader binds.
func TestEveryKeyOfTheServerHasARule(t *testing.T) {
	text, err := os.ReadFile("testdata/dittofs-v0.29-keys.txt")
	if err != nil {
		t.Fatal(err)
	}
	keys := strings.Fields(string(text))
	if len(keys) < 100 {
		t.Fatalf("only %d keys", len(keys))
	}
	covered := map[string]bool{"cache.path": true} // of servers before v0.9
	for _, key := range keys {
		name, ruled := key, false
		for !ruled && name != "" {
			_, ruled = configRules[name]
			covered[name] = true
			name = name[:max(strings.LastIndex(name, "."), 0)]
		}
		if !ruled {
			t.Errorf("%s has no rule", key)
		}
	}
	for name, rule := range configRules {
		if !covered[name] {
			t.Errorf("there is a rule for %s, which the server does not have", name)
		}
		parts := 0
		for _, set := range []bool{rule.value.ok != nil, rule.field != "", rule.refused != ""} {
			if set {
				parts++
			}
		}
		if parts != 1 {
			t.Errorf("the rule for %s says %d things, must be one", name, parts)
		}
	}
}

func TestConfigValues(t *testing.T) {
	for name, c := range map[string]struct {
		key           string
		good, refused []string
	}{
		"a duration has a unit and is not negative": {"snapshot.restore_http_timeout", []string{`"1h"`, `"0s"`, `"1m30s"`}, []string{`60`, `"60"`, `"-1s"`, `"1d"`, `null`, `{}`, `true`}},
		"gc keeps its floor":                        {"gc.grace_period", []string{`"0s"`, `"5m"`}, []string{`"4m59s"`, `"-5m"`}},
		"an integer is one":                         {"metadata.badger.index_cache_mb", []string{`0`, `512`}, []string{`-1`, `1.5`, `1e3`, `"512"`, `true`, `99999999999999999999`}},
		"a size is an unsigned integer":             {"blockstore.local.default_remote_cache_size", []string{`0`, `18446744073709551615`}, []string{`-1`, `"10Gi"`, `1e9`, `18446744073709551616`}},
		"a ratio may be a fraction":                 {"gc.compaction_live_ratio", []string{`0`, `0.5`, `1`}, []string{`1.01`, `-0.1`, `"0.5"`}},
		"a switch is true or false":                 {"logging.rotation.compress", []string{`true`, `false`}, []string{`"true"`, `1`, `null`}},
		"a word is one of those":                    {"kerberos.identity_mapping.strategy", []string{`"static"`}, []string{`"ldap"`, `""`, `1`}},
		"a user number has 32 bits":                 {"kerberos.identity_mapping.default_uid", []string{`0`, `4294967295`}, []string{`-1`, `4294967296`}},
		"a static map has users with numbers": {
			"kerberos.identity_mapping.static_map", []string{`{}`, `{"a":{"uid":1,"gid":2,"gids":[3]}}`},
			[]string{
				`[]`, `{"a":1}`, `{"a":{}}`, `{"a":{"uid":1}}`, `{"a":{"gid":1}}`, `{"a":{"uid":"1","gid":1}}`, `{"a":{"uid":1,"gid":1,"gids":3}}`,
				`{"a":{"uid":1,"gid":1,"gids":["3"]}}`, `{"a":{"uid":1,"gid":1,"shell":"x"}}`, `{"A":{"uid":1,"gid":1}}`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := field.NewPath("spec", "config")
			for _, value := range c.good {
				if errs := validateConfig(configWith(t, c.key, value), path); len(errs) > 0 {
					t.Errorf("%s is refused: %v", value, errs)
				}
			}
			for _, value := range c.refused {
				errs := validateConfig(configWith(t, c.key, value), path)
				if len(errs) != 1 || errs[0].Field != "spec.config."+c.key {
					t.Errorf("%s gives %v", value, errs)
				}
			}
		})
	}
}

func TestAValueThatIsNoJSONIsRefused(t *testing.T) {
	config := map[string]dittofsv1alpha1.Value{"gc": {Raw: []byte("{")}, "empty": {}}
	errs := validateConfig(config, field.NewPath("spec", "config"))
	if len(errs) != 1 || errs[0].Field != "spec.config.gc" {
		t.Errorf("got %v", errs)
	}
}

func TestAnUnknownKeyThatDfsWouldReadInAnotherWayIsRefused(t *testing.T) {
	config := configWith(t, "future", `{"Deep":{"a":1},"list":[{"b.c":1,"d":1}],"z":1}`)
	errs := validateConfig(config, field.NewPath("spec", "config"))
	if len(errs) != 2 || errs[0].Field != "spec.config.future.Deep" || errs[1].Field != "spec.config.future.list[0].b.c" {
		t.Errorf("got %v", errs)
	}
	if warnings := configWarnings(config, field.NewPath("spec", "config")); len(warnings) > 0 {
		t.Errorf("what is refused is warned of too: %q", warnings)
	}
	if !plainKeys(map[string]any{"a": map[string]any{}}) || plainKeys(map[string]any{"a": map[string]any{"B": 1}}) {
		t.Error("keys within a value are not looked at")
	}
}

func TestASecretInConfigIsNotRepeated(t *testing.T) {
	for _, key := range []string{
		"controlplane.jwt.secret", "database.postgres.password", "ldap.bind_password", "kerberos.machine_account.secret", "admin.password_hash",
		"kerberos.machine_account.online_join.bind_password", "future.password", "future.deep.api_token", "encryption_passphrase", "future.private_key", "future.client_secret",
	} {
		errs := validateConfig(configWith(t, key, `"hunter2"`), field.NewPath("spec", "config"))
		if len(errs) != 1 || errs[0].Type != field.ErrorTypeForbidden || strings.Contains(errs[0].Error(), "hunter2") {
			t.Errorf("%s: %v", key, errs)
		}
	}
}
