// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"bytes"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// livePercona is a PerconaPGCluster as it is, and which of its fields are ours. Without a cluster everything is empty.
type livePercona struct {
	object *unstructured.Unstructured
	// owned are the fields that our last apply set and nobody has changed since; nil if it is not known.
	owned *fieldpath.Set
}

func readPercona(live *unstructured.Unstructured) (livePercona, error) {
	p := livePercona{object: live}
	if live == nil || len(live.GetManagedFields()) == 0 {
		return p, nil
	}
	p.owned = &fieldpath.Set{}
	for _, entry := range live.GetManagedFields() {
		if entry.Manager != v1alpha1.FieldManager || entry.Operation != metav1.ManagedFieldsOperationApply ||
			entry.Subresource != "" || entry.FieldsV1 == nil {
			continue
		}
		fields := &fieldpath.Set{}
		if err := fields.FromJSON(bytes.NewReader(entry.FieldsV1.GetRawBytes())); err != nil {
			return p, fmt.Errorf("its managed fields: %w", err)
		}
		// There is one entry for each version of the API that we have spoken.
		p.owned = p.owned.Union(fields)
	}
	return p, nil
}

func (p livePercona) exists() bool { return p.object != nil }

// owns tells whether a field would be taken away if an apply left it out. Where that is not known it is assumed: sending a
// field that is somebody else's as it is does no harm.
func (p livePercona) owns(fields ...string) bool {
	if p.owned == nil {
		return true
	}
	path := fieldpath.Path{}
	for i := range fields {
		path = append(path, fieldpath.PathElement{FieldName: &fields[i]})
	}
	return p.owned.Has(path)
}

// value is what a field has; nil if it is not set.
func (p livePercona) value(fields ...string) any {
	if p.object == nil {
		return nil
	}
	value, found, err := unstructured.NestedFieldNoCopy(p.object.Object, fields...)
	if err != nil || !found {
		return nil
	}
	return value
}

// text is the text that a field has; empty if it is not set.
func (p livePercona) text(fields ...string) string {
	text, _ := p.value(fields...).(string)
	return text
}

// keptValue is what must be sent so that a field stays as it is: its value if it is ours, else nothing. Not touching what
// has become somebody else's also means not to undo it with a value from a cache that lags.
func (p livePercona) keptValue(fields ...string) any {
	if !p.owns(fields...) {
		return nil
	}
	return p.value(fields...)
}

func (p livePercona) kept(fields ...string) string {
	text, _ := p.keptValue(fields...).(string)
	return text
}

// instanceText is a text in the set of instances that we made.
func (p livePercona) instanceText(fields ...string) string {
	instances, _ := p.value("spec", "instances").([]any)
	for _, item := range instances {
		instance, _ := item.(map[string]any)
		if instance["name"] == perconaInstances {
			text, _, _ := unstructured.NestedString(instance, fields...)
			return text
		}
	}
	return ""
}

// schemaPerUser tells whether dfs has a schema of its own. It is true for every cluster that we make: on PostgreSQL 15 and
// later dfs may not write to the schema public. It never changes after that: with a new and empty schema in front of the
// one that it uses, dfs would find an empty database. So a cluster that was there before keeps what it has.
func (p livePercona) schemaPerUser() bool {
	if !p.exists() {
		return true
	}
	live, set := p.value("spec", "autoCreateUserSchema").(bool)
	switch {
	case !set:
		// The Percona operator decides by the version.
		return !olderThan(p.text("spec", "crVersion"), schemaCRVersion)
	case p.appliedSpec() && !p.owns("spec", "autoCreateUserSchema"):
		// Somebody has changed what we had said.
		return !live
	default:
		return live
	}
}

// appliedSpec tells whether we have applied more than labels, as adoption does at first.
func (p livePercona) appliedSpec() bool {
	if p.owned == nil {
		return false
	}
	spec := "spec"
	return !p.owned.WithPrefix(fieldpath.PathElement{FieldName: &spec}).Empty()
}

// backupsRemoved tells whether the spec takes away backups that the cluster has, or did so before. The permission stays: it
// takes the Percona operator some time to act on it.
func (p livePercona) backupsRemoved(spec *v1alpha1.PerconaSpec) bool {
	if !p.exists() || backupsWanted(spec) {
		return false
	}
	return p.backupsOn() || p.object.GetAnnotations()[authorizeBackupRemoval] == "true"
}

// backupsOn tells whether the cluster makes backups: it does unless told otherwise.
func (p livePercona) backupsOn() bool {
	if !p.exists() {
		return false
	}
	enabled, set := p.value("spec", "backups", "enabled").(bool)
	return !set || enabled
}
