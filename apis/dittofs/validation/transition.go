// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// validateTransition refuses the changes that would lose data or that no
// cluster can carry out.
func validateTransition(server, old *dittofsv1alpha1.DittoServer) field.ErrorList {
	path := field.NewPath("spec")
	errs := validateSameServerClass(server.Spec.ClassName, old.Spec.ClassName, path.Child("className"))
	errs = append(errs, validateVolumeChange(&server.Spec.Storage, &old.Spec.Storage, path.Child("storage"))...)
	errs = append(errs, validateDatabaseIdentity(server, old)...)
	errs = append(errs, validatePerconaChange(server, old, path.Child("percona"))...)
	errs = append(errs, validateBalancerChange(&server.Spec, &old.Spec, path)...)
	return append(errs, validateFamilyChange(&server.Spec, &old.Spec, path)...)
}

func validateVolumeChange(storage, old *dittofsv1alpha1.StorageSpec, path *field.Path) field.ErrorList {
	errs := validateGrowth(storage.MetadataSize, old.MetadataSize, path.Child("metadataSize"))
	errs = append(errs, validateGrowth(storage.ControlPlaneSize, old.ControlPlaneSize, path.Child("controlPlaneSize"))...)
	errs = append(errs, validateGrowth(storage.ContentSize, old.ContentSize, path.Child("contentSize"))...)
	errs = append(errs, validateGrowth(storage.CacheSize, old.CacheSize, path.Child("cacheSize"))...)
	// A content volume may come later: the controller holds it back while a local
	// store lies where it would be mounted.
	if storage.ContentSize == nil && old.ContentSize != nil {
		errs = append(errs, field.Invalid(path.Child("contentSize"), nil, fmt.Sprintf(
			"cannot be taken away: the volume holds file content; it was %s", old.ContentSize)))
	}
	if storage.CacheSize == nil && old.CacheSize != nil {
		errs = append(errs, field.Invalid(path.Child("cacheSize"), nil, fmt.Sprintf(
			"cannot be taken away: the volumes of a server are set when it is made; it was %s", old.CacheSize)))
	}
	if storage.CacheSize != nil && old.CacheSize == nil {
		errs = append(errs, field.Invalid(path.Child("cacheSize"), storage.CacheSize.String(),
			"cannot be added to an existing server: its volumes are set when it is made; newer servers keep their cache with the local block store"))
	}
	return append(errs, validateSameClass(storage.StorageClassName, old.StorageClassName, path.Child("storageClassName"))...)
}

func validateGrowth(size, old *resource.Quantity, path *field.Path) field.ErrorList {
	if size == nil || old == nil || size.Cmp(*old) >= 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(path, size.String(), fmt.Sprintf("must not be less than it was: volumes grow only, it was %s", old))}
}

func validateSameClass(class, old *string, path *field.Path) field.ErrorList {
	if ptr.Equal(class, old) {
		return nil
	}
	return field.ErrorList{field.Invalid(path, ptr.Deref(class, ""),
		fmt.Sprintf("is immutable: a claim keeps its class; it was %q", ptr.Deref(old, "")))}
}

// validatePerconaChange is about a cluster that stays ours.
func validatePerconaChange(server, old *dittofsv1alpha1.DittoServer, path *field.Path) field.ErrorList {
	if !makesCluster(&server.Spec) || !makesCluster(&old.Spec) {
		return nil
	}
	percona, oldPercona := server.Spec.Percona, old.Spec.Percona
	errs := validateGrowth(percona.StorageSize, oldPercona.StorageSize, path.Child("storageSize"))
	errs = append(errs, validateSameClass(percona.StorageClassName, oldPercona.StorageClassName, path.Child("storageClassName"))...)

	backup, oldBackup := percona.Backup, oldPercona.Backup
	if backup == nil || oldBackup == nil || !backup.Enabled || !oldBackup.Enabled {
		return errs
	}
	if repository, was := backupRepository(server), backupRepository(old); repository != was {
		errs = append(errs, field.Invalid(path.Child("backup", "path"), backup.Path, fmt.Sprintf(
			"cannot be changed while backups are enabled: those at the old path could not be restored any more; set backup.enabled to false first; it was %s", was)))
	}
	return errs
}

func makesCluster(spec *dittofsv1alpha1.DittoServerSpec) bool {
	return usesPercona(spec) && spec.Percona.ExistingClusterRef == nil
}

// backupRepository is the path that is used, so that writing out the default
// is no change.
func backupRepository(server *dittofsv1alpha1.DittoServer) string {
	if path := server.Spec.Percona.Backup.Path; path != "" {
		return path
	}
	return "/pgbackrest/" + server.Namespace + "/" + server.Name + "/repo1"
}

// validateBalancerChange has a rule of Services: the class of a load balancer
// stays while the type is LoadBalancer.
func validateBalancerChange(spec, old *dittofsv1alpha1.DittoServerSpec, path *field.Path) field.ErrorList {
	errs := validateSameBalancer(spec.Service.Type, old.Service.Type,
		spec.Service.LoadBalancerClass, old.Service.LoadBalancerClass, path.Child("service"))
	services, oldServices := &spec.AdapterServices, &old.AdapterServices
	path = path.Child("adapterServices")
	class := func(services *dittofsv1alpha1.AdapterServicesSpec, service *dittofsv1alpha1.AdapterServiceSpec) *string {
		if service != nil && service.LoadBalancerClass != nil {
			return service.LoadBalancerClass
		}
		return services.LoadBalancerClass
	}
	for _, adapter := range []struct {
		name         string
		service, old *dittofsv1alpha1.AdapterServiceSpec
	}{{"nfs", services.NFS, oldServices.NFS}, {"smb", services.SMB, oldServices.SMB}} {
		at := path
		if !ptr.Equal(ownClass(adapter.service), ownClass(adapter.old)) {
			at = path.Child(adapter.name)
		} else if len(errs) > 0 && errs[len(errs)-1].Field == path.Child("loadBalancerClass").String() {
			continue // said already, for the other adapter
		}
		errs = append(errs, validateSameBalancer(adapterType(services, adapter.service), adapterType(oldServices, adapter.old),
			class(services, adapter.service), class(oldServices, adapter.old), at)...)
	}
	return errs
}

func ownClass(service *dittofsv1alpha1.AdapterServiceSpec) *string {
	if service == nil {
		return nil
	}
	return service.LoadBalancerClass
}

func validateSameBalancer(t, oldType corev1.ServiceType, class, old *string, path *field.Path) field.ErrorList {
	if t != corev1.ServiceTypeLoadBalancer || oldType != corev1.ServiceTypeLoadBalancer || ptr.Equal(class, old) {
		return nil
	}
	return field.ErrorList{field.Invalid(path.Child("loadBalancerClass"), ptr.Deref(class, ""), fmt.Sprintf(
		"is immutable while the type of the Service is LoadBalancer: set type to ClusterIP first; it was %q", ptr.Deref(old, "")))}
}

// validateSameServerClass: left out and the empty word both mean none.
func validateSameServerClass(class, old *string, path *field.Path) field.ErrorList {
	was := ptr.Deref(old, "")
	if ptr.Deref(class, "") == was {
		return nil
	}
	return field.ErrorList{field.Invalid(path, ptr.Deref(class, ""), fmt.Sprintf(
		"is immutable: a server keeps its class for life, it was %q; create another server to use another class", was))}
}
