// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func validateName(server *dittofsv1alpha1.DittoServer) field.ErrorList {
	path, name := field.NewPath("metadata", "name"), server.Name
	if len(name) > dittofsv1alpha1.MaxNameLength {
		return field.ErrorList{field.Invalid(path, name, fmt.Sprintf(
			"must be no more than %d characters, because Services named NAME-adapter-nfs-udp and the like are made from it (it has %d)",
			dittofsv1alpha1.MaxNameLength, len(name)))}
	}
	var errs field.ErrorList
	// Service names are stricter than object names: no dots, no leading digit.
	for _, message := range utilvalidation.IsDNS1035Label(name) {
		errs = append(errs, field.Invalid(path, name, "Services are named after it: "+message))
	}
	return errs
}

// validateImage leaves the rest to the kubelet: registries differ in what they take.
func validateImage(image string, path *field.Path) field.ErrorList {
	if image == "" || strings.ContainsFunc(image, isSpaceOrControl) {
		return field.ErrorList{field.Invalid(path, image, "must be an image reference without spaces, for example marmos91c/dittofs:v0.29.0")}
	}
	return nil
}

func validateOptionalImage(image string, path *field.Path) field.ErrorList {
	if image == "" {
		return nil
	}
	return validateImage(image, path)
}

func isSpaceOrControl(r rune) bool { return r <= ' ' || r == 0x7f }

// maxTagged is the length that the tags of names and keys refuse: what is
// longer has one error, not two.
const maxTagged = 253

// validateObjectName takes no name as given, and is for fields with that tag.
func validateObjectName(name string, path *field.Path) field.ErrorList {
	if name == "" || utf8.RuneCountInString(name) > maxTagged {
		return nil
	}
	return validateAnyName(name, path)
}

func validateRequiredName(name string, path *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, "the name of an object in the namespace")}
	}
	return validateAnyName(name, path)
}

func validateAnyName(name string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, message := range apivalidation.NameIsDNSSubdomain(name, false) {
		errs = append(errs, field.Invalid(path, name, message))
	}
	return errs
}

// validateKeyReference checks what the tags of a reference do not: whether the
// key can be one, and that the reference is not optional.
func validateKeyReference(ref *dittofsv1alpha1.SecretKeyReference, path *field.Path) field.ErrorList {
	if ref == nil {
		return nil
	}
	var errs field.ErrorList
	if ref.Key != "" && utf8.RuneCountInString(ref.Key) <= maxTagged {
		for _, message := range utilvalidation.IsConfigMapKey(ref.Key) {
			errs = append(errs, field.Invalid(path.Child("key"), ref.Key, message))
		}
	}
	return append(errs, validateNotOptional(ref.Optional, path.Child("optional"))...)
}

func validateNotOptional(optional *bool, path *field.Path) field.ErrorList {
	if !ptr.Deref(optional, false) {
		return nil
	}
	return field.ErrorList{field.Invalid(path, true, "must be false or left out: a server does not start without this Secret")}
}

// validateLabels refuses the labels by which the controllers, and those of the
// DittoFS operator, find what they made.
func validateLabels(labels map[string]string, path *field.Path) field.ErrorList {
	errs := metav1validation.ValidateLabels(labels, path)
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if reservedLabel(key) {
			errs = append(errs, field.Forbidden(path.Key(key),
				"the labels app and instance, and those of dittofs.io and app.kubernetes.io, are reserved for the controllers; choose another key"))
		}
	}
	return errs
}

func reservedLabel(key string) bool {
	prefix, _, _ := strings.Cut(key, "/")
	return key == dittofsv1alpha1.LabelApp || key == dittofsv1alpha1.LabelInstance ||
		reservedDomain(key) || prefix != key && prefix == "app.kubernetes.io"
}

// reservedDomain is true for keys of dittofs.io and of the domains below it.
func reservedDomain(key string) bool {
	prefix, _, prefixed := strings.Cut(key, "/")
	return prefixed && (prefix == dittofsv1alpha1.GroupName || strings.HasSuffix(prefix, "."+dittofsv1alpha1.GroupName))
}

func validatePodAnnotations(annotations map[string]string, path *field.Path) field.ErrorList {
	errs := apivalidation.ValidateAnnotations(annotations, path)
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if reservedDomain(key) {
			errs = append(errs, field.Forbidden(path.Key(key),
				"the annotations of dittofs.io are reserved for the controllers; choose another key"))
		}
	}
	return errs
}
