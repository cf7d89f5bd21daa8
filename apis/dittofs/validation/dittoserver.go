// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package validation holds the rules of the group's kinds that need more than
// one field, or the object as it was. Rules for a single field are tags on the
// types. It never looks at other objects: that is the admission plugins' work.
package validation

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// ValidateDittoServer checks an object that is created.
func ValidateDittoServer(server *dittofsv1alpha1.DittoServer) field.ErrorList {
	return append(validateName(server), validateSpec(&server.Spec, field.NewPath("spec"))...)
}

// ValidateDittoServerUpdate checks a change. A spec that stays as it is passes
// whatever the rules say today, so that what is stored can always be labelled
// and deleted.
func ValidateDittoServerUpdate(server, old *dittofsv1alpha1.DittoServer) field.ErrorList {
	if old.DeletionTimestamp != nil || apiequality.Semantic.DeepEqual(server.Spec, old.Spec) {
		return nil
	}
	errs := validateSpec(&server.Spec, field.NewPath("spec"))
	return append(errs, validateTransition(server, old)...)
}

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

func validateSpec(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) field.ErrorList {
	errs := validateImage(spec.Image, path.Child("image"))
	errs = append(errs, validateStorage(&spec.Storage, path.Child("storage"))...)
	errs = append(errs, validateDatabase(&spec.Database, path.Child("database"))...)
	errs = append(errs, validateIdentity(&spec.Identity, path.Child("identity"))...)
	errs = append(errs, validateService(&spec.Service, path.Child("service"))...)
	errs = append(errs, validateResources(spec.Resources, path.Child("resources"))...)
	return append(errs, validateLogOutput(spec, path.Child("logging", "output"))...)
}

func validateImage(image string, path *field.Path) field.ErrorList {
	if image == "" || strings.TrimSpace(image) != image || strings.ContainsAny(image, " \t\n") {
		return field.ErrorList{field.Invalid(path, image, "must be an image reference without spaces, for example marmos91c/dittofs:v0.29.0")}
	}
	return nil
}

func validateStorage(storage *dittofsv1alpha1.StorageSpec, path *field.Path) field.ErrorList {
	errs := validateSize(storage.MetadataSize, path.Child("metadataSize"))
	errs = append(errs, validateSize(storage.ContentSize, path.Child("contentSize"))...)
	errs = append(errs, validateSize(storage.ControlPlaneSize, path.Child("controlPlaneSize"))...)
	if class := storage.StorageClassName; class != nil && *class != "" {
		for _, message := range apivalidation.NameIsDNSSubdomain(*class, false) {
			errs = append(errs, field.Invalid(path.Child("storageClassName"), *class, message))
		}
	}
	return errs
}

// validateSize takes no size as given: the required one is required by its tag.
func validateSize(size *resource.Quantity, path *field.Path) field.ErrorList {
	if size == nil || size.Sign() > 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(path, size.String(), "must be greater than zero, for example 10Gi")}
}

func validateDatabase(database *dittofsv1alpha1.DatabaseSpec, dbPath *field.Path) field.ErrorList {
	if database.PostgresSecretRef != nil {
		return nil
	}
	if database.Type == dittofsv1alpha1.DatabasePostgres {
		return field.ErrorList{field.Required(dbPath.Child("postgresSecretRef"),
			"type postgres needs the name of a Secret with the keys host, database, user and password")}
	}
	if database.SQLite == nil {
		return nil
	}
	file := database.SQLite.Path
	if path.Clean(file) != file || !strings.HasPrefix(file, "/data/controlplane/") {
		return field.ErrorList{field.Invalid(dbPath.Child("sqlite", "path"), file,
			"must be a file below /data/controlplane/, the volume that outlives the pod")}
	}
	return nil
}

func validateIdentity(identity *dittofsv1alpha1.IdentitySpec, path *field.Path) field.ErrorList {
	jwt, jwtPath := &identity.JWT, path.Child("jwt")
	access, errs := validateDuration(jwt.AccessTokenDuration, jwtPath.Child("accessTokenDuration"))
	refresh, refreshErrs := validateDuration(jwt.RefreshTokenDuration, jwtPath.Child("refreshTokenDuration"))
	errs = append(errs, refreshErrs...)
	if len(errs) == 0 && refresh < access {
		errs = append(errs, field.Invalid(jwtPath.Child("refreshTokenDuration"), jwt.RefreshTokenDuration,
			fmt.Sprintf("must not be shorter than accessTokenDuration (%s)", jwt.AccessTokenDuration)))
	}
	errs = append(errs, validateKeyReference(jwt.SecretRef, jwtPath.Child("secretRef"))...)

	if name := identity.Admin.Username; name != "admin" {
		errs = append(errs, field.NotSupported(path.Child("admin", "username"), name, []string{"admin"}))
	}
	return append(errs, validateKeyReference(identity.Admin.PasswordSecretRef, path.Child("admin", "passwordSecretRef"))...)
}

func validateKeyReference(ref *dittofsv1alpha1.SecretKeyReference, path *field.Path) field.ErrorList {
	if ref == nil || ref.Key == "" {
		return nil
	}
	var errs field.ErrorList
	for _, message := range utilvalidation.IsConfigMapKey(ref.Key) {
		errs = append(errs, field.Invalid(path.Child("key"), ref.Key, message))
	}
	return errs
}

func validateDuration(text string, path *field.Path) (time.Duration, field.ErrorList) {
	duration, err := time.ParseDuration(text)
	if err != nil || duration < time.Minute {
		return 0, field.ErrorList{field.Invalid(path, text, "must be a Go duration of at least 1m, for example 15m or 168h")}
	}
	return duration, nil
}

func validateService(service *dittofsv1alpha1.ServiceSpec, path *field.Path) field.ErrorList {
	errs := apivalidation.ValidateAnnotations(service.Annotations, path.Child("annotations"))
	allowed := []corev1.ServiceType{corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort, corev1.ServiceTypeLoadBalancer}
	for _, t := range allowed {
		if service.Type == t {
			return errs
		}
	}
	return append(errs, field.NotSupported(path.Child("type"), service.Type, allowed))
}

// validateLogOutput allows a file where a volume is mounted: the rest of the
// file system of the container is read-only.
func validateLogOutput(spec *dittofsv1alpha1.DittoServerSpec, fieldPath *field.Path) field.ErrorList {
	output := spec.Logging.Output
	if output == "stdout" || output == "stderr" {
		return nil
	}
	mounts := []string{"/data/controlplane/", "/data/store/metadata/"}
	if spec.Storage.ContentSize != nil {
		mounts = append(mounts, "/data/store/block/")
	}
	below := func(mount string) bool { return strings.HasPrefix(output, mount) }
	if path.Clean(output) == output && slices.ContainsFunc(mounts, below) {
		return nil
	}
	return field.ErrorList{field.Invalid(fieldPath, output,
		"must be stdout, stderr or a file on a volume, which is below "+strings.Join(mounts, " or "))}
}
