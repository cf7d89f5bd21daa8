// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package podfields

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestWhatBaselineForbidsIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		edit     edit
		path     string
		contains string
	}{
		"a privileged container": {container(corev1.SecurityContext{Privileged: ptr.To(true)}), "spec.securityContext",
			`privileged (container "dittofs" must not set securityContext.privileged=true)`},
		"a capability": {container(corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"SYS_ADMIN"}}}), "spec.securityContext", "SYS_ADMIN"},
		"a container without seccomp": {container(corev1.SecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}}),
			"spec.securityContext", "Unconfined"},
		"a pod without seccomp": {func(s *dittofsv1alpha1.DittoServerSpec) {
			s.PodSecurityContext = &corev1.PodSecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}}
		}, "spec.podSecurityContext", "Unconfined"},
		"a sysctl of the node": {func(s *dittofsv1alpha1.DittoServerSpec) {
			s.PodSecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: "kernel.shmmax", Value: "1"}}}
		}, "spec.podSecurityContext", "kernel.shmmax"},
		"a directory of the node": {func(s *dittofsv1alpha1.DittoServerSpec) {
			s.ExtraVolumes = []corev1.Volume{{Name: "a"}, {Name: "b", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}}
		}, "spec.extraVolumes[1]", `hostPath volumes (volume "b")`},
		"AppArmor off by an annotation": {func(s *dittofsv1alpha1.DittoServerSpec) {
			s.PodAnnotations = map[string]string{"container.apparmor.security.beta.kubernetes.io/dittofs": "unconfined"}
		}, "spec.podAnnotations", "forbidden AppArmor"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, host := range []error{nil, errors.New("host is away")} {
				plugin, _ := newPlugin(t, host)
				err := plugin.Validate(t.Context(), attributes(server(c.edit), nil), nil)
				found := causes(err)
				if !apierrors.IsInvalid(err) || len(found) != 1 || !strings.Contains(found[c.path], "the baseline Pod Security Standard forbids: ") || !strings.Contains(found[c.path], c.contains) {
					t.Errorf("got %v, want %q at %s", err, c.contains, c.path)
				}
			}
		})
	}
}

func TestBothJudgesAreHeardAtOnce(t *testing.T) {
	plugin, _ := newPlugin(t, invalid(field.Invalid(field.NewPath("template", "spec", "tolerations").Index(0).Child("operator"), "Is", "not supported")))
	err := plugin.Validate(t.Context(), attributes(server(tolerant, container(corev1.SecurityContext{Privileged: ptr.To(true)})), nil), nil)
	if found := causes(err); len(found) != 2 || found["spec.securityContext"] == "" || found["spec.tolerations[0].operator"] == "" {
		t.Errorf("got %v", err)
	}
}

func TestWhatRestrictedForbidsIsWarnedOf(t *testing.T) {
	const prefix = "spec: a namespace with the restricted Pod Security Standard does not run this pod: "
	for name, c := range map[string]struct {
		edit     edit
		contains string
	}{
		"the defaults meet it":         {edit: tolerant},
		"so does another user":         {edit: container(corev1.SecurityContext{RunAsUser: ptr.To[int64](1000)})},
		"so does a port below 1024":    {edit: container(corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"NET_BIND_SERVICE"}}})},
		"root does not":                {container(corev1.SecurityContext{RunAsUser: ptr.To[int64](0)}), "runAsUser=0"},
		"escalation does not":          {container(corev1.SecurityContext{AllowPrivilegeEscalation: ptr.To(true)}), "allowPrivilegeEscalation != false"},
		"kept capabilities do not":     {container(corev1.SecurityContext{Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"KILL"}}}), "unrestricted capabilities"},
		"a capability of baseline too": {container(corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"CHOWN"}}}), "unrestricted capabilities"},
	} {
		t.Run(name, func(t *testing.T) {
			plugin, _ := newPlugin(t, nil)
			heard := &recorder{}
			if err := plugin.Validate(warning.WithWarningRecorder(t.Context(), heard), attributes(server(c.edit), nil), nil); err != nil {
				t.Fatal(err)
			}
			if c.contains == "" && len(heard.texts) > 0 {
				t.Errorf("warned: %q", heard.texts)
			}
			if c.contains != "" && (len(heard.texts) != 1 || !strings.HasPrefix(heard.texts[0], prefix) || !strings.Contains(heard.texts[0], c.contains)) {
				t.Errorf("got %q, want %q", heard.texts, c.contains)
			}
		})
	}
}

// The host finds it at odds with our defaults, which the user has not written.
func TestWhatIsForbiddenIsSaidOnce(t *testing.T) {
	context := field.NewPath("template", "spec", "containers").Index(0).Child("securityContext")
	plugin, _ := newPlugin(t, invalid(field.Invalid(context, "all of it", "cannot set both"), field.Invalid(context.Child("runAsUser"), -1, "must not be negative")))
	err := plugin.Validate(t.Context(), attributes(server(container(corev1.SecurityContext{Privileged: ptr.To(true)})), nil), nil)
	said := causes(err)
	if len(said) != 2 || !strings.Contains(said["spec.securityContext"], "baseline") || said["spec.securityContext.runAsUser"] == "" || strings.Contains(err.Error(), "cannot set both") {
		t.Errorf("got %v", err)
	}
}
