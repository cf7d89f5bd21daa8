// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

type edit = func(*dittofsv1alpha1.DittoServer)

// valid is the least that a user writes, defaulted.
func valid(t *testing.T, edits ...edit) *dittofsv1alpha1.DittoServer {
	t.Helper()
	server := rule{}.server(t, "")
	for _, e := range edits {
		e(server)
	}
	testScheme(t).Default(server)
	return server
}

func size(text string) *resource.Quantity { return ptr.To(resource.MustParse(text)) }

// check compares "path: part of the message" with the errors, in order.
func check(t *testing.T, errs field.ErrorList, want ...string) {
	t.Helper()
	if len(errs) != len(want) {
		t.Fatalf("got %d errors, want %d: %v", len(errs), len(want), errs)
	}
	for i, err := range errs {
		path, message, _ := strings.Cut(want[i], ": ")
		if err.Field != path || !strings.Contains(err.Error(), message) {
			t.Errorf("got %q, want %q", err, want[i])
		}
	}
}

// Rules of updates that are about more than one field are here; the others are
// rows of the table.
func TestUpdate(t *testing.T) {
	for name, c := range map[string]struct {
		old, edit edit
		want      []string
	}{
		"a content volume may be added later": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.ContentSize = size("5Gi") },
		},
		"before it is set up the database may change": {
			edit: func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.Database.PostgresSecretRef = &dittofsv1alpha1.SecretReference{Name: "pg"}
			},
		},
		"policies of deletion and rollout are free": {
			old: func(s *dittofsv1alpha1.DittoServer) { s.Status.ConfigHash = "set up" },
			edit: func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.DeletionPolicy = dittofsv1alpha1.DeletionPolicy{Volumes: dittofsv1alpha1.DeleteData, Database: dittofsv1alpha1.DeleteData}
				s.Spec.Rollout, s.Spec.Paused = dittofsv1alpha1.RolloutOnRequest, true
			},
		},
		"a cluster that is taken over from the server is the same database": {
			old: func(s *dittofsv1alpha1.DittoServer) {
				s.Status.ConfigHash, s.Spec.Database.Type = "set up", dittofsv1alpha1.DatabasePostgres
				s.Spec.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true}
			},
			edit: func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.Percona.ExistingClusterRef = &dittofsv1alpha1.PerconaClusterReference{Name: "files-postgres"}
				s.Spec.Percona.Replicas, s.Spec.Percona.StorageSize = nil, nil
			},
		},
		"a class for both adapters is one mistake": {
			old: func(s *dittofsv1alpha1.DittoServer) {},
			edit: func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.AdapterServices.LoadBalancerClass = ptr.To("internal")
			},
			want: []string{"spec.adapterServices.loadBalancerClass: is immutable while the type"},
		},
		"an old spec that would be refused today can still be labelled": {
			old:  func(s *dittofsv1alpha1.DittoServer) { s.Spec.Logging.Output = "/nowhere" },
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Labels = map[string]string{"a": "b"} },
		},
		"and be stopped": {
			old:  func(s *dittofsv1alpha1.DittoServer) { s.Spec.Logging.Output = "/nowhere" },
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Replicas = ptr.To[int32](0) },
		},
		"another mistake in the same field is a new one": {
			old:  func(s *dittofsv1alpha1.DittoServer) { s.Spec.Logging.Output = "/nowhere" },
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Logging.Output = "/elsewhere" },
			want: []string{`spec.logging.output: Invalid value: "/elsewhere"`},
		},
		"an object that is being deleted can be changed in any way": {
			old:  func(s *dittofsv1alpha1.DittoServer) { s.DeletionTimestamp = ptr.To(metav1.Now()) },
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.MetadataSize = size("1Gi") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			old := valid(t)
			if c.old != nil {
				old = valid(t, c.old)
			}
			changed := old.DeepCopy()
			c.edit(changed)
			check(t, ValidateDittoServerUpdate(changed, old), c.want...)
		})
	}
}

func TestMistakesAreAllNamedAtOnce(t *testing.T) {
	server := valid(t, func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Logging.Output, s.Spec.Image = "/nowhere", "a b"
		s.Spec.ControlPlane.ClientCASecretName, s.Spec.ControlPlane.TLSMinVersion = "ca", dittofsv1alpha1.TLS13
	})
	check(t, ValidateDittoServer(server),
		"spec.image: without spaces",
		"spec.controlPlane.certSecretName: clientCASecretName and tlsMinVersion needs it",
		"spec.controlPlane.clientCertSecretName: clientCASecretName needs it",
		"spec.logging.output: on a volume")
}

func TestAnObjectThatNobodyDefaultedIsNoAccident(t *testing.T) {
	bare := &dittofsv1alpha1.DittoServer{}
	setUp := &dittofsv1alpha1.DittoServer{Status: dittofsv1alpha1.DittoServerStatus{ConfigHash: "set up"}}
	changed := setUp.DeepCopy()
	changed.Spec.Paused = true
	postgres := setUp.DeepCopy()
	postgres.Spec.Database.Type = dittofsv1alpha1.DatabasePostgres
	if errs := ValidateDittoServer(bare); len(errs) == 0 {
		t.Error("an empty object is accepted")
	}
	check(t, ValidateDittoServerUpdate(changed, setUp))
	check(t, ValidateDittoServerUpdate(postgres, setUp), "spec.database.postgresSecretRef: Required value")
	if warnings := Warnings(bare); len(warnings) != 1 || !strings.Contains(warnings[0], "spec.image") {
		t.Errorf("got %q", warnings)
	}
}

func TestHostsAndPorts(t *testing.T) {
	for text, want := range map[string]bool{
		"dc1": true, "DC1.example.com": true, "10.0.0.1:445": true, "2001:db8::1": true, "[2001:db8::1]": true, "[2001:db8::1]:636": true,
		"": false, "dc1:": false, "dc1:0": false, "dc1:70000": false, "dc1:ldap": false, "ldap://dc1": false, "dc1/x": false, "[dc1": false, "a b": false,
	} {
		if isHostPort(text) != want {
			t.Errorf("%q: got %t, want %t", text, !want, want)
		}
	}
}

func TestTheLeastThatAUserWritesGivesNoWarning(t *testing.T) {
	if warnings := Warnings(valid(t)); len(warnings) > 0 {
		t.Errorf("got %q", warnings)
	}
}

func TestAPasswordInAURLIsNotRepeated(t *testing.T) {
	for _, url := range []string{"ldaps://u:hunter2@dc.example.com", "ldaps://u:hunter2@dc:99999", "ldap://u:hunter2@%zz", "u:hunter2@dc"} {
		server := valid(t, func(s *dittofsv1alpha1.DittoServer) {
			s.Spec.Identity.LDAP = &dittofsv1alpha1.LDAPSpec{URL: url, BaseDN: "dc=example", BindDN: "cn=x"}
		})
		errs := ValidateDittoServer(server)
		if len(errs) != 1 || strings.Contains(errs[0].Error(), "hunter2") {
			t.Errorf("%s: %v", url, errs)
		}
	}
}
