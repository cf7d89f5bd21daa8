// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func TestThePodMeetsTheRestrictedStandard(t *testing.T) {
	for _, tc := range rendered {
		t.Run(tc.name, func(t *testing.T) {
			server, in := tc.read(t)
			pod := statefulSet(t, all(t, server, in)).Spec.Template.Spec
			if pod.HostNetwork || pod.HostPID || pod.HostIPC || len(pod.InitContainers)+len(pod.EphemeralContainers) > 0 {
				t.Error("the pod shares something with its node, or has containers that this test does not know")
			}
			for _, v := range pod.Volumes {
				if v.ConfigMap == nil && v.EmptyDir == nil && v.Secret == nil && v.PersistentVolumeClaim == nil {
					t.Errorf("volume %s has a source that the standard may not allow", v.Name)
				}
			}
			p := pod.SecurityContext
			if !*p.RunAsNonRoot || *p.RunAsUser == 0 || p.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || len(p.Sysctls) > 0 {
				t.Errorf("pod security context: %v", p)
			}
			for _, c := range pod.Containers {
				s := c.SecurityContext
				if *s.AllowPrivilegeEscalation || s.Privileged != nil || s.RunAsUser != nil || s.RunAsNonRoot != nil || s.SeccompProfile != nil {
					t.Errorf("security context of %s: %v", c.Name, s)
				}
				if len(s.Capabilities.Add) > 0 || len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" {
					t.Errorf("capabilities of %s: %v", c.Name, s.Capabilities)
				}
				for _, port := range c.Ports {
					if port.HostPort != 0 {
						t.Errorf("host port %d", port.HostPort)
					}
				}
			}
		})
	}
}

// inClear are the variables whose values are no secrets.
var inClear = map[string]string{
	"DITTOFS_DATABASE_POSTGRES_DATABASE":      "files",
	"DITTOFS_DATABASE_POSTGRES_SSLMODE":       "verify-full",
	"DITTOFS_DATABASE_POSTGRES_SSL_ROOT_CERT": "/postgres-ca/ca.crt",
}

func TestNoTemplateHoldsASecretOrTheUID(t *testing.T) {
	for _, tc := range rendered {
		t.Run(tc.name, func(t *testing.T) {
			server, in := tc.read(t)
			objects := all(t, server, in)
			set := statefulSet(t, objects)
			for _, env := range container(t, set).Env {
				if value, ok := inClear[env.Name]; ok && env.Value == value {
					continue
				}
				if env.Value != "" || env.ValueFrom == nil || env.ValueFrom.SecretKeyRef == nil {
					t.Errorf("%s is not a reference to a Secret", env.Name)
				}
			}
			for _, word := range []string{"password", "secret"} {
				if strings.Contains(strings.ToLower(objects.ConfigMap.Data[render.ConfigKey]), word) {
					t.Errorf("the configuration mentions a %s", word)
				}
			}
			for what, template := range map[string]any{"pod": set.Spec.Template, "claim": set.Spec.VolumeClaimTemplates} {
				content, err := json.Marshal(template)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(content), string(server.UID)) || strings.Contains(string(content), v1alpha1.LabelServerUID) {
					t.Errorf("the %s template has the UID of the DittoServer: the loss of our store would restart the pod", what)
				}
			}
		})
	}
}

// What is empty does not come back from the API server, so that it would be sent again for ever.
func TestNothingRenderedIsEmpty(t *testing.T) {
	server := minimal(func(s *v1alpha1.DittoServerSpec) {
		s.Service.Annotations = map[string]string{}
		s.Resources = &corev1.ResourceRequirements{Limits: corev1.ResourceList{}, Requests: corev1.ResourceList{"cpu": resource.MustParse("1")}}
	})
	objects := all(t, server, render.Inputs{ConfigHash: "x"})
	for name, object := range map[string]any{"configMap": objects.ConfigMap, "headless": objects.HeadlessService, "api": objects.APIService, "statefulSet": objects.StatefulSet} {
		content, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(content, &value); err != nil {
			t.Fatal(err)
		}
		findEmpty(t, name, value)
	}
}

func findEmpty(t *testing.T, path string, value any) {
	t.Helper()
	switch v := value.(type) {
	case nil:
		t.Errorf("%s is null", path)
	case map[string]any:
		// An emptyDir is the one struct that says something by being there.
		if len(v) == 0 && !strings.HasSuffix(path, ".emptyDir") {
			t.Errorf("%s is empty", path)
		}
		for key, item := range v {
			findEmpty(t, path+"."+key, item)
		}
	case []any:
		if len(v) == 0 {
			t.Errorf("%s is empty", path)
		}
		for _, item := range v {
			findEmpty(t, path+"[]", item)
		}
	}
}

func TestRenderingIsPure(t *testing.T) {
	for _, tc := range rendered {
		t.Run(tc.name, func(t *testing.T) {
			server, in := tc.read(t)
			before := server.DeepCopy()
			first, second := all(t, server, in), all(t, server, in)
			if !equality.Semantic.DeepEqual(first, second) {
				t.Error("the same input gives two results")
			}
			if !equality.Semantic.DeepEqual(before, server) {
				t.Error("rendering changed the DittoServer")
			}
			v1alpha1.SetObjectDefaults_DittoServer(server)
			if !equality.Semantic.DeepEqual(first, all(t, server, in)) {
				t.Error("it matters whether the DittoServer is defaulted")
			}
		})
	}
}
