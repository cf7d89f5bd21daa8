// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// valid returns the least that a user writes, defaulted as the server does it.
func valid(t *testing.T, edits ...func(*dittofsv1alpha1.DittoServer)) *dittofsv1alpha1.DittoServer {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := dittofsv1alpha1.Install(scheme); err != nil {
		t.Fatal(err)
	}
	server := &dittofsv1alpha1.DittoServer{
		ObjectMeta: metav1.ObjectMeta{Name: "files", Namespace: "team"},
		Spec: dittofsv1alpha1.DittoServerSpec{Storage: dittofsv1alpha1.StorageSpec{
			MetadataSize: ptr.To(resource.MustParse("10Gi")),
		}},
	}
	for _, edit := range edits {
		edit(server)
	}
	scheme.Default(server)
	return server
}

type edit = func(*dittofsv1alpha1.DittoServer)

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

func TestCreate(t *testing.T) {
	for name, c := range map[string]struct {
		edit edit
		want []string
	}{
		"the least that a user writes is accepted": {edit: func(*dittofsv1alpha1.DittoServer) {}},
		"the longest name is accepted": {edit: func(s *dittofsv1alpha1.DittoServer) {
			s.Name = strings.Repeat("a", dittofsv1alpha1.MaxNameLength)
		}},
		"a longer name is refused, because Services are named after it": {
			edit: func(s *dittofsv1alpha1.DittoServer) {
				s.Name = strings.Repeat("a", dittofsv1alpha1.MaxNameLength+1)
			},
			want: []string{"metadata.name: no more than 47 characters"},
		},
		"a name with a dot is no name of a Service": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Name = "a.b" },
			want: []string{"metadata.name: Services are named after it"},
		},
		"a size of zero is refused": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.MetadataSize = size("0") },
			want: []string{"spec.storage.metadataSize: must be greater than zero"},
		},
		"a negative size is refused": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.ContentSize = size("-1Gi") },
			want: []string{"spec.storage.contentSize: must be greater than zero"},
		},
		"a StorageClass must be named as one": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.StorageClassName = ptr.To("Fast SSD") },
			want: []string{"spec.storage.storageClassName: RFC 1123"},
		},
		"type postgres needs the Secret": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Database.Type = dittofsv1alpha1.DatabasePostgres },
			want: []string{"spec.database.postgresSecretRef: host, database, user and password"},
		},
		"the Secret alone is enough for postgres": {
			edit: func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.Database.PostgresSecretRef = &dittofsv1alpha1.SecretReference{Name: "pg"}
			},
		},
		"the database file must be on the volume": {
			edit: func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.Database.SQLite = &dittofsv1alpha1.SQLiteSpec{Path: "/data/controlplane/../x.db"}
			},
			want: []string{"spec.database.sqlite.path: below /data/controlplane/"},
		},
		"a duration needs a unit": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Identity.JWT.AccessTokenDuration = "15" },
			want: []string{"spec.identity.jwt.accessTokenDuration: Go duration of at least 1m"},
		},
		"a refresh token lives at least as long as an access token": {
			edit: func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.Identity.JWT.AccessTokenDuration, s.Spec.Identity.JWT.RefreshTokenDuration = "2h", "1h"
			},
			want: []string{"spec.identity.jwt.refreshTokenDuration: not be shorter than accessTokenDuration (2h)"},
		},
		"the key of a Secret must be one": {
			edit: func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.Identity.JWT.SecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "s", Key: "a/b"}
			},
			want: []string{"spec.identity.jwt.secretRef.key: alphanumeric"},
		},
		"dfs has one name for its first account": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Identity.Admin.Username = "root" },
			want: []string{"spec.identity.admin.username: supported values: \"admin\""},
		},
		"a Service is not an ExternalName": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Service.Type = corev1.ServiceTypeExternalName },
			want: []string{"spec.service.type: supported values"},
		},
		"a log file must be on a volume": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Logging.Output = "/data/dfs.log" },
			want: []string{"spec.logging.output: stdout, stderr or a file on a volume, which is below /data/controlplane/ or /data/store/metadata/"},
		},
		"the content volume is one if there is a content volume": {
			edit: func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.Storage.ContentSize, s.Spec.Logging.Output = size("1Gi"), "/data/store/block/dfs.log"
			},
		},
		"an image reference has no spaces": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "dfs latest" },
			want: []string{"spec.image: without spaces"},
		},
		"a request above its limit is refused here, not by the pod": {
			edit: func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.Resources = &corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("2Gi")},
					Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")},
				}
			},
			want: []string{"spec.resources.requests[memory]: must not be greater than the limit, which is 1Gi"},
		},
		"a negative request is refused": {
			edit: func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.Resources = &corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("-1")},
				}
			},
			want: []string{"spec.resources.requests[cpu]: must not be negative"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, ValidateDittoServer(valid(t, c.edit)), c.want...)
		})
	}
}

func TestUpdate(t *testing.T) {
	running := func(s *dittofsv1alpha1.DittoServer) { s.Status.ConfigHash = "set up" }
	for name, c := range map[string]struct {
		old, edit edit
		want      []string
	}{
		"a volume may grow": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.MetadataSize = size("20Gi") },
		},
		"the same size in other words is no change": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.MetadataSize = size("10240Mi") },
		},
		"a volume does not shrink": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.MetadataSize = size("5Gi") },
			want: []string{"spec.storage.metadataSize: it was 10Gi"},
		},
		"a content volume is not added later": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.ContentSize = size("5Gi") },
			want: []string{"spec.storage.contentSize: cannot be added"},
		},
		"a content volume is not taken away": {
			old:  func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.ContentSize = size("5Gi") },
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.ContentSize = nil },
			want: []string{"spec.storage.contentSize: cannot be taken away"},
		},
		"the StorageClass stays": {
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.StorageClassName = ptr.To("fast") },
			want: []string{"spec.storage.storageClassName: is immutable"},
		},
		"the database stays once the server is set up": {
			old: running,
			edit: func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.Database.PostgresSecretRef = &dittofsv1alpha1.SecretReference{Name: "pg"}
			},
			want: []string{"spec.database.type: dittofs.io/accept-empty-database to allow that; it was sqlite"},
		},
		"so does the database file": {
			old:  running,
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Database.SQLite.Path = "/data/controlplane/other.db" },
			want: []string{"spec.database.sqlite.path: it was /data/controlplane/controlplane.db"},
		},
		"before it is set up the database may change": {
			edit: func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.Database.PostgresSecretRef = &dittofsv1alpha1.SecretReference{Name: "pg"}
			},
		},
		"the annotation allows another database": {
			old: running,
			edit: func(s *dittofsv1alpha1.DittoServer) {
				s.Annotations = map[string]string{dittofsv1alpha1.AnnotationAcceptEmptyDatabase: "true"}
				s.Spec.Database.SQLite.Path = "/data/controlplane/other.db"
			},
		},
		"an old spec that would be refused today can still be labelled": {
			old:  func(s *dittofsv1alpha1.DittoServer) { s.Spec.Logging.Output = "/nowhere" },
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Labels = map[string]string{"a": "b"} },
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

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		edit edit
		want []string
	}{
		"the defaults give none":     {edit: func(*dittofsv1alpha1.DittoServer) {}},
		"the tag latest moves":       {edit: image("marmos91c/dittofs:latest"), want: []string{"spec.image"}},
		"no tag means latest":        {edit: image("registry.example.com:5000/dittofs"), want: []string{"spec.image"}},
		"a digest does not move":     {edit: image("dittofs:latest@sha256:0123"), want: nil},
		"a version does not move":    {edit: image("registry.example.com:5000/dittofs:v0.29.0"), want: nil},
		"a low port cannot be bound": {edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.ControlPlane.Port = ptr.To[int32](443) }, want: []string{"spec.controlPlane.port"}},
		"the Secret wins over a type": {edit: func(s *dittofsv1alpha1.DittoServer) {
			s.Spec.Database = dittofsv1alpha1.DatabaseSpec{Type: dittofsv1alpha1.DatabaseSQLite, PostgresSecretRef: &dittofsv1alpha1.SecretReference{Name: "pg"}}
		}, want: []string{"spec.database.type"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Warnings(valid(t, c.edit))
			if len(got) != len(c.want) {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], c.want[i]+": ") {
					t.Errorf("got %q, want it to start with %q", got[i], c.want[i])
				}
			}
		})
	}
}

func image(name string) edit { return func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = name } }
