// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// within fails a test that takes long, instead of having it run for ever.
func within(t *testing.T, limit time.Duration, work func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("it takes longer than %s", limit)
	}
}

// A comparison with 1e999999999 writes a billion digits out.
func TestASizeBeyondAllMeasureCostsNoTime(t *testing.T) {
	for _, text := range []string{"1e999999999", "-1e999999999"} {
		t.Run(text, func(t *testing.T) {
			within(t, 20*time.Second, func() {
				huge := func(s *dittofsv1alpha1.DittoServer) {
					s.Spec.Storage.MetadataSize, s.Spec.Storage.ContentSize = size(text), size(text)
					s.Spec.Resources = &corev1.ResourceRequirements{
						Limits: corev1.ResourceList{corev1.ResourceMemory: *size(text)}, Requests: corev1.ResourceList{corev1.ResourceMemory: *size("1Gi")},
					}
					s.Spec.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true, StorageSize: size(text)}
				}
				server, old := valid(t, huge), valid(t)
				Warnings(server)
				ValidateDittoServer(server)
				ValidateDittoServerUpdate(server, old)
			})
		})
	}
}

// Each refusal of a key has its path in it: many keys below a long path would
// make an answer of gigabytes.
func TestAConfigurationThatIsMadeToHurtHasAShortAnswer(t *testing.T) {
	var keys []string
	for i := range 5000 {
		keys = append(keys, fmt.Sprintf(`"%dpath":1`, i))
	}
	flat := "{" + strings.Join(keys, ",") + "}"
	for name, c := range map[string]struct{ raw, message string }{
		"deep":            {strings.Repeat(`{"a":`, 5000) + flat + strings.Repeat("}", 5000), "must have at most 16 levels"},
		"deep in lists":   {strings.Repeat(`[`, 5000) + flat + strings.Repeat("]", 5000), "must have at most 16 levels"},
		"large":           {`{"a":"` + strings.Repeat("x", maxConfig) + `"}`, "may not be more than"},
		"large in places": {strings.Repeat(" ", maxConfig) + "1", "may not be more than"},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, 20*time.Second, func() {
				server := valid(t, func(s *dittofsv1alpha1.DittoServer) {
					s.Spec.Config = map[string]dittofsv1alpha1.Value{"x": {Raw: []byte(c.raw)}}
				})
				errs := ValidateDittoServer(server)
				if len(errs) != 1 || !strings.Contains(errs[0].Error(), c.message) || len(errs[0].Error()) > 200 {
					t.Errorf("got %d errors, the first of %d bytes", len(errs), len(fmt.Sprint(errs)))
				}
			})
		})
	}
}

func TestDurationsWithASignOrBeyondTheirTypeAreRefused(t *testing.T) {
	for _, text := range []string{"-30s", "-0.5m", "99999999999h", "9223372036854775808ns", "30", "30S", "1d", " 30s", "∞"} {
		errs := ValidateDittoServer(valid(t, func(s *dittofsv1alpha1.DittoServer) {
			s.Spec.ShutdownTimeout, s.Spec.ControlPlane.WriteTimeout, s.Spec.AdapterDiscovery.PollingInterval = text, text, text
			s.Spec.Identity.JWT.AccessTokenDuration, s.Spec.Identity.JWT.RefreshTokenDuration = text, text
			s.Spec.Percona = &dittofsv1alpha1.PerconaSpec{ReadyTimeout: text}
			s.Spec.SnapshotPolicies = []dittofsv1alpha1.SnapshotPolicy{{Share: "a", Interval: text, TTL: text}}
		}))
		if len(errs) != 8 {
			t.Errorf("%q: got %d errors, want 8: %v", text, len(errs), errs)
		}
	}
}

func TestTheClaimsOfADittoServerAreKnownByTheirNames(t *testing.T) {
	longest := strings.Repeat("a", dittofsv1alpha1.MaxNameLength)
	for name, want := range map[string]bool{
		"metadata-files-0": true, "content-files-0": true, "controlplane-files-0": true, "cache-files-0": true,
		"cache-a-0": true, "metadata-files-2-0": true, "content-" + longest + "-0": true,
		"metadata-0": false, "metadata-files-1": false, "metadata-files": false, "my-metadata-files-0": false, "data-files-0": false,
		"metadata-2files-0": false, "metadata-files--0": false, "content-" + longest + "a-0": false, "": false,
	} {
		if got := len(validateForeignClaim(name, nil)) > 0; got != want {
			t.Errorf("%q: refused: %t, want %t", name, got, want)
		}
	}
}

func TestWhatIsNoClaimMayHaveTheNameOfOne(t *testing.T) {
	snapshot := corev1.TypedLocalObjectReference{APIGroup: ptr.To("snapshot.storage.k8s.io"), Kind: "VolumeSnapshot", Name: "content-files-0"}
	template := &corev1.PersistentVolumeClaimTemplate{Spec: corev1.PersistentVolumeClaimSpec{
		DataSource:    &snapshot,
		DataSourceRef: &corev1.TypedObjectReference{APIGroup: snapshot.APIGroup, Kind: snapshot.Kind, Name: snapshot.Name},
	}}
	check(t, validateClaimTemplate(template, nil))
}
