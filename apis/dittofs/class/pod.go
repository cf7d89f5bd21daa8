// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package class

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

var digest = regexp.MustCompile(`@sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$`)

func (f *finder) images(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) {
	if f.limits.Images == nil {
		return
	}
	f.image(path.Child("image"), spec.Image)
	if makesCluster(spec) {
		images, at := &spec.Percona.Images, path.Child("percona", "images")
		f.image(at.Child("postgres"), images.Postgres)
		f.image(at.Child("pgBouncer"), images.PgBouncer)
		f.image(at.Child("pgBackRest"), images.PgBackRest)
		f.image(at.Child("init"), images.Init)
	}
	for i := range spec.ExtraVolumes {
		if mounted := spec.ExtraVolumes[i].Image; mounted != nil {
			f.image(path.Child("extraVolumes").Index(i).Child("image", "reference"), mounted.Reference)
		}
	}
}

// image checks one that the spec names; what it leaves to the release of ours is no choice of its author.
func (f *finder) image(path *field.Path, image string) {
	limit := f.limits.Images
	switch {
	case image == "":
	case limit.Allowed != nil && !matchesAny(limit.Allowed, image):
		f.add(path, image, "allows images like %s", list(limit.Allowed))
	case limit.DigestOnly && !digest.MatchString(image):
		f.add(path, image, "allows images by digest only: NAME@sha256:...")
	}
}

func (f *finder) resources(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) {
	f.container(spec.Resources, path.Child("resources"))
	if !makesCluster(spec) {
		return
	}
	f.container(spec.Percona.Resources, path.Child("percona", "resources"))
	if spec.Percona.PgBouncer != nil {
		f.container(spec.Percona.PgBouncer.Resources, path.Child("percona", "pgBouncer", "resources"))
	}
}

func (f *finder) container(resources *corev1.ResourceRequirements, path *field.Path) {
	if resources == nil {
		resources = &corev1.ResourceRequirements{}
	}
	names := make([]string, 0, len(f.limits.Resources.Max))
	for name := range f.limits.Resources.Max {
		names = append(names, string(name))
	}
	slices.Sort(names)
	for _, name := range names {
		most := f.limits.Resources.Max[corev1.ResourceName(name)]
		if limit, set := resources.Limits[corev1.ResourceName(name)]; !set {
			f.add(path.Child("limits").Key(name), "left out", "wants a limit of at most %s", most.String())
		} else if limit.Cmp(most) > 0 {
			f.add(path.Child("limits").Key(name), limit.String(), "allows %s", most.String())
		}
		if request, set := resources.Requests[corev1.ResourceName(name)]; set && request.Cmp(most) > 0 {
			f.add(path.Child("requests").Key(name), request.String(), "allows %s", most.String())
		}
	}
}

func (f *finder) pod(spec *dittofsv1alpha1.DittoServerSpec, defaults *dittofsv1alpha1.ClassDefaults, path *field.Path) {
	for i := range spec.ExtraEnv {
		f.value(f.limits.ExtraEnv, path.Child("extraEnv").Index(i).Child("name"), spec.ExtraEnv[i].Name)
	}
	for i := range spec.ExtraVolumes {
		for _, kind := range kindsOf(&spec.ExtraVolumes[i].VolumeSource) {
			if limit := f.limits.ExtraVolumes; limit != nil && !matchesAny(limit.Allowed, kind) {
				f.add(path.Child("extraVolumes").Index(i).Child(kind), spec.ExtraVolumes[i].Name, "allows volumes of the kinds %s", list(limit.Allowed))
			}
		}
	}
	if f.limits.SecurityContexts == dittofsv1alpha1.PermissionForbidden {
		const own = "allows none but its default"
		if spec.SecurityContext != nil && !apiequality.Semantic.DeepEqual(spec.SecurityContext, defaults.SecurityContext) {
			f.add(path.Child("securityContext"), text(spec.SecurityContext), own)
		}
		if spec.PodSecurityContext != nil && !apiequality.Semantic.DeepEqual(spec.PodSecurityContext, defaults.PodSecurityContext) {
			f.add(path.Child("podSecurityContext"), text(spec.PodSecurityContext), own)
		}
	}
	if account := spec.ServiceAccountName; account != "" && account != "default" {
		f.value(f.limits.ServiceAccounts, path.Child("serviceAccountName"), account)
	}
	f.keys(f.limits.PodLabels, path.Child("podLabels"), spec.PodLabels)
	f.keys(f.limits.PodAnnotations, path.Child("podAnnotations"), spec.PodAnnotations)
}

func text(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}

// kindsOf names what is set of a volume as its fields are called; nothing means emptyDir.
func kindsOf(source *corev1.VolumeSource) []string {
	var set map[string]any
	if err := json.Unmarshal([]byte(text(source)), &set); err != nil || len(set) == 0 {
		return []string{"emptyDir"}
	}
	return sorted(set)
}

func (f *finder) scheduling(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) {
	limits := &f.limits.Scheduling
	selector := path.Child("nodeSelector")
	for _, key := range sorted(spec.NodeSelector) {
		if entry := key + "=" + spec.NodeSelector[key]; limits.NodeSelector != nil && !matchesAny(limits.NodeSelector.Allowed, entry) {
			f.add(selector.Key(key), entry, "allows %s", list(limits.NodeSelector.Allowed))
		}
	}
	for _, key := range sorted(limits.RequiredNodeSelector) {
		want := limits.RequiredNodeSelector[key]
		if value, set := spec.NodeSelector[key]; !set {
			f.add(selector.Key(key), "left out", "wants %s", want)
		} else if value != want {
			f.add(selector.Key(key), value, "wants %s", want)
		}
	}
	for i := range spec.Tolerations {
		f.value(limits.Tolerations, path.Child("tolerations").Index(i).Child("key"), spec.Tolerations[i].Key)
	}
	if spec.PriorityClassName != "" {
		f.value(limits.PriorityClasses, path.Child("priorityClassName"), spec.PriorityClassName)
	}
}

// config looks at the keys of the free configuration, with dots between levels.
func (f *finder) config(config map[string]dittofsv1alpha1.Value, path *field.Path) {
	if f.limits.Config == nil {
		return
	}
	for _, key := range sorted(config) {
		for _, leaf := range leaves(key, config[key].Raw) {
			if !matchesAny(f.limits.Config.Allowed, leaf.key) {
				f.add(path.Child(strings.Split(leaf.key, ".")[0], strings.Split(leaf.key, ".")[1:]...), leaf.value, "allows the keys %s", list(f.limits.Config.Allowed))
			}
		}
	}
}

type leaf struct{ key, value string }

func leaves(key string, raw json.RawMessage) []leaf {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil || len(object) == 0 {
		return []leaf{{key, string(raw)}}
	}
	var found []leaf
	for _, name := range sorted(object) {
		found = append(found, leaves(key+"."+name, object[name])...)
	}
	return found
}
