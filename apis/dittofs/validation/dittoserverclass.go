// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/class"
	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// tokenLives bound the life of a token that the class allows.
var tokenLives = durationRange{min: time.Minute, max: 15 * time.Minute, example: "15m"}

// maxPattern is the longest value in a list of allowed ones.
const maxPattern = 1024

// ValidateDittoServerClass checks a new class.
func ValidateDittoServerClass(c *dittofsv1alpha1.DittoServerClass) field.ErrorList {
	path := field.NewPath("metadata")
	errs := validateAnyName(c.Name, path.Child("name"))
	errs = append(errs, validateDefaultMark(c, path)...)
	return append(errs, validateClassSpec(&c.Spec, field.NewPath("spec"))...)
}

// ValidateDittoServerClassUpdate checks what an update changes.
func ValidateDittoServerClassUpdate(c, old *dittofsv1alpha1.DittoServerClass) field.ErrorList {
	if old.DeletionTimestamp != nil {
		return nil
	}
	path := field.NewPath("metadata")
	errs := newErrors(validateDefaultMark(c, path), validateDefaultMark(old, path))
	if apiequality.Semantic.DeepEqual(c.Spec, old.Spec) {
		return errs
	}
	specPath := field.NewPath("spec")
	return append(errs, newErrors(validateClassSpec(&c.Spec, specPath), validateClassSpec(&old.Spec, specPath))...)
}

func validateDefaultMark(c *dittofsv1alpha1.DittoServerClass, path *field.Path) field.ErrorList {
	value, marked := c.Annotations[dittofsv1alpha1.AnnotationDefaultClass]
	if !marked || value == "true" || value == "false" {
		return nil
	}
	return field.ErrorList{field.NotSupported(path.Child("annotations").Key(dittofsv1alpha1.AnnotationDefaultClass), value, []string{"true", "false"})}
}

func validateClassSpec(spec *dittofsv1alpha1.DittoServerClassSpec, path *field.Path) field.ErrorList {
	errs := validateClassLimits(&spec.Limits, path.Child("limits"))
	for i, reserved := range spec.Reserved {
		at := path.Child("reserved").Index(i)
		switch {
		case reserved == "className":
			errs = append(errs, field.Invalid(at, reserved, "nobody can change the class of a server; take it away"))
		case !class.IsField(reserved):
			errs = append(errs, field.Invalid(at, reserved, "must be the path of a field of the spec of a DittoServer, without spec, for example networkPolicy or percona.backup"))
		}
	}
	errs = append(errs, tokenLives.check(spec.Access.Credentials.MaxDuration, path.Child("access", "credentials", "maxDuration"))...)
	return append(errs, validateClassDefaults(spec, path.Child("defaults"))...)
}

func validateClassLimits(limits *dittofsv1alpha1.ClassLimits, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if images := limits.Images; images != nil {
		at := path.Child("images", "allowed")
		if images.Allowed != nil && len(images.Allowed) == 0 {
			errs = append(errs, field.Invalid(at, "[]", "must name at least one, since a server has an image; leave it out to allow all"))
		}
		errs = append(errs, validatePatterns(images.Allowed, nil, at)...)
	}
	for _, limit := range []struct {
		values *dittofsv1alpha1.AllowedValues
		known  []string
		path   *field.Path
	}{
		{limits.StorageClasses, nil, path.Child("storageClasses")},
		{limits.Databases, []string{"sqlite", "postgres", "percona"}, path.Child("databases")},
		{limits.Services.Types, texts(serviceTypes), path.Child("services", "types")},
		{limits.Services.LoadBalancerClasses, nil, path.Child("services", "loadBalancerClasses")},
		{limits.Services.Annotations, nil, path.Child("services", "annotations")},
		{limits.Services.Labels, nil, path.Child("services", "labels")},
		{limits.Ingress.Hosts, nil, path.Child("ingress", "hosts")},
		{limits.Ingress.Classes, nil, path.Child("ingress", "classes")},
		{limits.Ingress.Annotations, nil, path.Child("ingress", "annotations")},
		{limits.Config, nil, path.Child("config")},
		{limits.ExtraEnv, nil, path.Child("extraEnv")},
		{limits.ExtraVolumes, volumeKinds, path.Child("extraVolumes")},
		{limits.ServiceAccounts, nil, path.Child("serviceAccounts")},
		{limits.Scheduling.NodeSelector, nil, path.Child("scheduling", "nodeSelector")},
		{limits.Scheduling.Tolerations, nil, path.Child("scheduling", "tolerations")},
		{limits.Scheduling.PriorityClasses, nil, path.Child("scheduling", "priorityClasses")},
		{limits.PodLabels, nil, path.Child("podLabels")},
		{limits.PodAnnotations, nil, path.Child("podAnnotations")},
		{limits.BackupEndpoints, nil, path.Child("backupEndpoints")},
	} {
		if limit.values != nil {
			errs = append(errs, validatePatterns(limit.values.Allowed, limit.known, limit.path.Child("allowed"))...)
		}
	}
	errs = append(errs, validateNetworks(limits.Services.SourceRanges, path.Child("services", "sourceRanges", "allowed"))...)
	errs = append(errs, validateNetworks(limits.NetworkPolicy.Networks, path.Child("networkPolicy", "networks", "allowed"))...)
	storage := path.Child("storage")
	for _, size := range []struct {
		size *resource.Quantity
		path *field.Path
	}{
		{limits.Storage.MaxVolumeSize, storage.Child("maxVolumeSize")},
		{limits.Storage.MaxServerSize, storage.Child("maxServerSize")},
		{limits.Storage.MaxNamespaceSize, storage.Child("maxNamespaceSize")},
	} {
		errs = append(errs, validateSize(size.size, size.path)...)
	}
	errs = append(errs, validateResourceList(limits.Resources.Max, path.Child("resources", "max"))...)
	return append(errs, validateRequiredSelector(limits, path.Child("scheduling", "requiredNodeSelector"))...)
}

// validateRequiredSelector finds what no server could have.
func validateRequiredSelector(limits *dittofsv1alpha1.ClassLimits, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	probe := &dittofsv1alpha1.DittoServerSpec{NodeSelector: limits.Scheduling.RequiredNodeSelector}
	only := &dittofsv1alpha1.DittoServerClassSpec{Limits: dittofsv1alpha1.ClassLimits{Scheduling: dittofsv1alpha1.SchedulingLimits{NodeSelector: limits.Scheduling.NodeSelector}}}
	for _, violation := range class.Violations(probe, only) {
		errs = append(errs, field.Invalid(path, violation.Value, "is not among what scheduling.nodeSelector allows"))
	}
	return errs
}

var volumeKinds = []string{"configMap", "secret", "projected", "downwardAPI", "emptyDir", "persistentVolumeClaim", "ephemeral", "csi", "image"}

func texts[T ~string](values []T) []string {
	var all []string
	for _, value := range values {
		all = append(all, string(value))
	}
	return all
}

// validatePatterns: where all values are known, one that can match none of them is a mistake.
func validatePatterns(patterns, known []string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i, pattern := range patterns {
		switch at := path.Index(i); {
		case pattern == "" || strings.ContainsFunc(pattern, isSpaceOrControl):
			errs = append(errs, field.Invalid(at, pattern, "must be a value without spaces, in which a star stands for any number of characters"))
		case len(pattern) > maxPattern:
			errs = append(errs, field.TooLong(at, pattern, maxPattern))
		case known != nil && pattern != "*" && !slices.Contains(known, pattern):
			errs = append(errs, field.NotSupported(at, pattern, append(slices.Clone(known), "*")))
		}
	}
	return errs
}

func validateNetworks(networks *dittofsv1alpha1.AllowedNetworks, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if networks != nil {
		for i, network := range networks.Allowed {
			errs = append(errs, utilvalidation.IsValidCIDR(path.Index(i), network)...)
		}
	}
	return errs
}

// validateClassDefaults tries the defaults on a server: they follow its rules,
// and the limits of the class itself.
func validateClassDefaults(spec *dittofsv1alpha1.DittoServerClassSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if database := spec.Defaults.Database; database != nil {
		secret := path.Child("database", "postgresSecretName")
		if database.Kind == dittofsv1alpha1.KindPostgres && database.PostgresSecretName == "" {
			errs = append(errs, field.Required(secret, "kind postgres needs the name of the Secret that leads to the database"))
		}
		errs = append(errs, validateObjectName(database.PostgresSecretName, secret)...)
	}
	plain, filled := probes(&spec.Defaults)
	for _, err := range newErrors(validateSpec(filled), validateSpec(plain)) {
		err.Field = defaultsPath(err.Field, path)
		errs = append(errs, err)
	}
	for _, violation := range class.New(class.Violations(&filled.Spec, spec), class.Violations(&plain.Spec, spec)) {
		errs = append(errs, field.Invalid(field.NewPath(defaultsPath(violation.Path.String(), path)), violation.Value,
			fmt.Sprintf("goes beyond the limits of the class itself, which %s", violation.Allowed)))
	}
	return errs
}

// probes are two servers that use everything that the defaults shape, without and
// with them.
func probes(defaults *dittofsv1alpha1.ClassDefaults) (plain, filled *dittofsv1alpha1.DittoServer) {
	size := resource.MustParse("1Gi")
	probe := &dittofsv1alpha1.DittoServer{}
	probe.Name = "probe"
	probe.Spec.Storage.MetadataSize = &size
	if defaults.Service != nil && defaults.Service.Type == "" {
		probe.Spec.Service.Type = corev1.ServiceTypeLoadBalancer
	}
	if database := defaults.Database; database != nil && database.Percona != nil && database.Kind != dittofsv1alpha1.KindPercona {
		probe.Spec.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true}
	}
	plain, filled = probe, probe.DeepCopy()
	class.ApplyDefaults(&filled.Spec, defaults)
	dittofsv1alpha1.CompleteDefaults(plain, nil)
	dittofsv1alpha1.CompleteDefaults(filled, nil)
	return plain, filled
}

// defaultsPath is where a class has what a server has elsewhere.
func defaultsPath(of string, defaults *field.Path) string {
	rest := strings.TrimPrefix(of, "spec.")
	for _, other := range [][2]string{
		{"storage.storageClassName", "storageClassName"},
		{"database.postgresSecretRef.name", "database.postgresSecretName"},
		{"percona.enabled", "database.kind"},
		{"percona.", "database.percona."},
		{"database.type", "database.kind"},
	} {
		if tail, ok := strings.CutPrefix(rest, other[0]); ok {
			rest = other[1] + tail
			break
		}
	}
	return defaults.String() + "." + rest
}

// ClassWarnings are what is allowed and probably not meant: a server that says
// nothing but its size does not get into its own class.
func ClassWarnings(c *dittofsv1alpha1.DittoServerClass) []string {
	size := resource.MustParse("1")
	server := &dittofsv1alpha1.DittoServer{}
	server.Spec.Storage.MetadataSize = &size
	class.ApplyDefaults(&server.Spec, &c.Spec.Defaults)
	dittofsv1alpha1.CompleteDefaults(server, nil)
	var warnings []string
	for _, violation := range class.Violations(&server.Spec, &c.Spec) {
		warnings = append(warnings, fmt.Sprintf(
			"spec.defaults: a server that leaves %s out has %v there, and the class %s; give it a default", violation.Path, violation.Value, violation.Allowed))
	}
	return warnings
}
