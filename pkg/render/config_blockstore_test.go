// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// contentTemplates are those of a StatefulSet that was made with a content volume of a size; none for an empty one.
func contentTemplates(size string) []corev1.PersistentVolumeClaim {
	templates := []corev1.PersistentVolumeClaim{}
	if size != "" {
		claim := corev1.PersistentVolumeClaim{}
		claim.Name = render.ContentVolume
		claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}
		templates = append(templates, claim)
	}
	return templates
}

func TestTheRemoteCacheFitsTheContentVolume(t *testing.T) {
	const key = "default_remote_cache_size: "
	for _, tc := range []struct {
		name   string
		size   string // in the spec
		live   []corev1.PersistentVolumeClaim
		change func(*v1alpha1.DittoServerSpec)
		want   string // empty: dfs is left to its default
	}{
		{name: "no content volume, no size"},
		{name: "a new server gets four fifths of its content volume", size: "100Gi", want: "85899345920"},
		{name: "the volume that has grown keeps the size that the server was made with", size: "200Gi", live: contentTemplates("100Gi"), want: "85899345920"},
		{name: "a volume that came later has no size to remember", size: "100Gi", live: contentTemplates("")},
		{name: "an ephemeral volume is as large as the spec says", size: "100Gi", live: contentTemplates(""),
			change: func(s *v1alpha1.DittoServerSpec) { s.Storage.Ephemeral = true }, want: "85899345920"},
		{name: "a large volume is no fraction", size: "4Ei", want: "3689348814741910320"},
		{name: "spec.config wins", size: "100Gi", want: "1073741824", change: func(s *v1alpha1.DittoServerSpec) {
			s.Config = map[string]v1alpha1.Value{"blockstore": {Raw: []byte(`{"local":{"default_remote_cache_size":1073741824}}`)}}
		}},
		{name: "spec.config for the rest of the block keeps it", size: "100Gi", want: "85899345920", change: func(s *v1alpha1.DittoServerSpec) {
			s.Config = map[string]v1alpha1.Value{"blockstore": {Raw: []byte(`{"local":{"backpressure_max_wait":"30s"}}`)}}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := minimal(func(s *v1alpha1.DittoServerSpec) {
				if tc.size != "" {
					s.Storage.ContentSize = new(resource.MustParse(tc.size))
				}
				if tc.change != nil {
					tc.change(s)
				}
			})
			for what, render := range map[string]rendering{
				"config.yaml": render.Config, "what is hashed": render.HashedConfig,
			} {
				config, err := render(server, tc.live)
				if err != nil {
					t.Fatal(err)
				}
				_, got, _ := strings.Cut(string(config), key)
				got, _, _ = strings.Cut(got, "\n")
				if got != tc.want {
					t.Errorf("%s: %q, want %q", what, got, tc.want)
				}
			}
		})
	}
}
