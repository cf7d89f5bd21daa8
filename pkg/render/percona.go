// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// PerconaClusterKind is the kind of the Percona operator, which a cluster may not have.
var PerconaClusterKind = schema.GroupVersionKind{Group: "pgv2.percona.com", Version: "v2", Kind: "PerconaPGCluster"}

// perconaInstances is the only set of PostgreSQL instances. Another name would replace them.
const perconaInstances = "instance1"

// maxPerconaNames is how long the names of a cluster and of its set of instances may be together.
const maxPerconaNames = 46

// authorizeBackupRemoval lets the Percona operator go on after backups were turned off: without it, it stops working on the
// cluster and says so in its own conditions only.
const authorizeBackupRemoval = "pgv2.percona.com/authorizeBackupRemoval"

// Percona renders the PerconaPGCluster of a server; nil when none is to be made. live is the one that is there, nil if none.
//
// The Percona operator writes into the same object (versions and images when it upgrades, manual and restore when it works
// on backups, annotations, finalizers), so only what we mean is set. What we set at the beginning and do not mean any more
// is sent as it is by now: a field that is left out of an apply is taken away, and an image taken away stops the cluster.
// There is neither a finalizer nor an ownerReference: the database outlives everything of ours.
func Percona(server *v1alpha1.DittoServer, live *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	server = withDefaults(server)
	spec := server.Spec.Percona
	if spec == nil || !spec.Enabled || spec.ExistingClusterRef != nil {
		return nil, nil
	}
	if err := perconaNameFits(server, live); err != nil {
		return nil, err
	}
	now, err := readPercona(live)
	if err != nil {
		return nil, fmt.Errorf("reading the PerconaPGCluster %s: %w", PerconaClusterName(server), err)
	}
	versions, err := perconaVersionsOf(spec, now)
	if err != nil {
		return nil, err
	}
	instances, err := perconaInstanceSet(spec, now)
	if err != nil {
		return nil, err
	}
	backups, err := perconaBackups(server, now, versions)
	if err != nil {
		return nil, err
	}
	proxy, err := perconaProxy(spec, versions)
	if err != nil {
		return nil, err
	}
	wanted := map[string]any{
		"instances": []any{instances},
		"users": []any{map[string]any{
			"name":      spec.UserName,
			"databases": []any{spec.DatabaseName},
			// With both, dfs would find its tables in one schema or the other, depending on which came first.
			"grantPublicSchemaAccess": false,
		}},
		"autoCreateUserSchema": now.schemaPerUser(),
		"backups":              backups,
	}
	setUnlessEmpty(wanted, "crVersion", versions.crVersion)
	setUnlessEmpty(wanted, "image", versions.postgres)
	if versions.major != nil {
		wanted["postgresVersion"] = versions.major
	}
	if versions.init != "" {
		wanted["initContainer"] = map[string]any{"image": versions.init}
	}
	if proxy != nil {
		wanted["proxy"] = proxy
	}
	object := newUnstructured(server, PerconaClusterKind, PerconaClusterName(server), allLabels(server))
	if now.backupsRemoved(spec) {
		object.SetAnnotations(map[string]string{authorizeBackupRemoval: "true"})
	}
	object.Object["spec"] = wanted
	return object, nil
}

// perconaNameFits refuses what the Percona operator accepts and then cannot run: names of pods and values of labels are
// derived from the two names.
func perconaNameFits(server *v1alpha1.DittoServer, live *unstructured.Unstructured) error {
	longest := maxPerconaNames - len(perconaInstances)
	if name := PerconaClusterName(server); live == nil && len(name) > longest {
		return field.Invalid(field.NewPath("metadata", "name"), server.Name, fmt.Sprintf(
			"the PerconaPGCluster %s needs a name of at most %d characters; use a name of at most %d, or percona.existingClusterRef",
			name, longest, longest-(len(name)-len(server.Name))))
	}
	return nil
}

// perconaInstanceSet keeps the class that the volumes were made with, and their size if the spec has a smaller one: neither
// can be changed on a claim, and the Percona operator would fail at it for ever.
func perconaInstanceSet(spec *v1alpha1.PerconaSpec, now livePercona) (map[string]any, error) {
	size, err := now.grown(*spec.StorageSize)
	if err != nil {
		return nil, err
	}
	claim := map[string]any{
		"accessModes": []any{string(corev1.ReadWriteOnce)},
		"resources":   map[string]any{"requests": map[string]any{string(corev1.ResourceStorage): size}},
	}
	if made := now.instanceText("name") != ""; made {
		setUnlessEmpty(claim, "storageClassName", now.instanceText("dataVolumeClaimSpec", "storageClassName"))
	} else if spec.StorageClassName != nil {
		claim["storageClassName"] = *spec.StorageClassName
	}

	set := map[string]any{
		"name":                perconaInstances,
		"replicas":            int64(*spec.Replicas),
		"dataVolumeClaimSpec": claim,
	}
	return set, setResources(set, spec.Resources)
}

// perconaProxy is the connection pool. Before 2.9.0 the Percona operator makes one whether it is asked for or not, and needs
// to be told its image.
func perconaProxy(spec *v1alpha1.PerconaSpec, versions perconaVersions) (map[string]any, error) {
	if spec.PgBouncer == nil {
		if !olderThan(versions.effective, "2.9.0") || versions.pgBouncer == "" {
			return nil, nil
		}
		return map[string]any{"pgBouncer": map[string]any{"image": versions.pgBouncer}}, nil
	}
	pool := map[string]any{"replicas": int64(*spec.PgBouncer.Replicas)}
	setUnlessEmpty(pool, "image", versions.pgBouncer)
	if err := setResources(pool, spec.PgBouncer.Resources); err != nil {
		return nil, err
	}
	return map[string]any{"pgBouncer": pool}, nil
}

func setResources(object map[string]any, resources *corev1.ResourceRequirements) error {
	if resources == nil {
		return nil
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(resources)
	if err != nil {
		return fmt.Errorf("encoding resources: %w", err)
	}
	if len(content) > 0 {
		object["resources"] = content
	}
	return nil
}

func setUnlessEmpty(object map[string]any, key, value string) {
	if value != "" {
		object[key] = value
	}
}

// olderThan is false for a version that nobody can read: the Percona operator takes it for the newest.
func olderThan(crVersion, than string) bool {
	v, err := version.ParseGeneric(crVersion)
	return err == nil && v.LessThan(version.MustParseGeneric(than))
}

// grown is the wanted size as text, or the one that the instances have if that is larger or equal.
func (p livePercona) grown(want resource.Quantity) (string, error) {
	text := p.instanceText("dataVolumeClaimSpec", "resources", "requests", string(corev1.ResourceStorage))
	if text == "" {
		return want.String(), nil
	}
	have, err := resource.ParseQuantity(text)
	if err != nil {
		return "", fmt.Errorf("the size %q of the volume of %s: %w", text, perconaInstances, err)
	}
	if have.Cmp(want) >= 0 {
		return text, nil
	}
	return want.String(), nil
}
