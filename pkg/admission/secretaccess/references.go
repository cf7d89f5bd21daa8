// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package secretaccess

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// reference is a Secret that the spec leads to.
type reference struct {
	name string
	// field that names it, or whose absence does.
	field string
	// derived Secrets are named by nobody: they are made for the server.
	derived bool
	// optional Secrets, and those that others make, are not missed.
	optional bool
	// without says what becomes of it while the Secret is missing; empty: the
	// server waits for it.
	without string
}

func (r reference) object() dittofsadmission.Object {
	return dittofsadmission.Object{Resource: dittofsadmission.Secrets, Name: r.name}
}

// references collects; an empty name is none.
type references []reference

func (r *references) name(path *field.Path, name string, optional bool) {
	if name != "" {
		*r = append(*r, reference{name: name, field: path.String(), optional: optional})
	}
}

func (r *references) key(path *field.Path, ref *dittofsv1alpha1.SecretKeyReference) {
	if ref != nil {
		r.name(path, ref.Name, false)
	}
}

func (r *references) derive(path *field.Path, name string) {
	*r = append(*r, reference{name: name, field: path.String() + " is left out", derived: true, optional: true})
}

// referencesOf are all Secrets that the pod, its image, its database, its
// Ingress and the controller's calls need, switched on or not.
func referencesOf(server *dittofsv1alpha1.DittoServer) []reference {
	var refs references
	path := field.NewPath("spec")
	refs.identity(server, path.Child("identity"))
	refs.database(server, path)
	refs.controlPlane(&server.Spec.ControlPlane, path.Child("controlPlane"))
	if metrics := server.Spec.Metrics; metrics != nil {
		refs.key(path.Child("metrics", "bearerTokenSecret"), metrics.BearerTokenSecret)
	}
	refs.pod(&server.Spec, path)
	return refs
}

func (r *references) identity(server *dittofsv1alpha1.DittoServer, path *field.Path) {
	identity := &server.Spec.Identity
	// The names of generated Secrets are those of the package render.
	if jwt := path.Child("jwt", "secretRef"); identity.JWT.SecretRef != nil {
		r.key(jwt, identity.JWT.SecretRef)
	} else {
		r.derive(jwt, server.Name+"-jwt-secret")
	}
	if admin := path.Child("admin", "passwordSecretRef"); identity.Admin.PasswordSecretRef != nil {
		r.key(admin, identity.Admin.PasswordSecretRef)
	} else {
		r.derive(admin, server.Name+"-admin-bootstrap-credentials")
	}
	if ldap := identity.LDAP; ldap != nil {
		r.key(path.Child("ldap", "bindPasswordSecretRef"), ldap.BindPasswordSecretRef)
	}
	kerberos := identity.Kerberos
	if kerberos == nil {
		return
	}
	path = path.Child("kerberos")
	r.key(path.Child("keytabSecretRef"), kerberos.KeytabSecretRef)
	r.key(path.Child("krb5ConfSecretRef"), kerberos.Krb5ConfSecretRef)
	if machine := kerberos.MachineAccount; machine != nil {
		r.key(path.Child("machineAccount", "secretRef"), machine.SecretRef)
		r.key(path.Child("machineAccount", "keytabSecretRef"), machine.KeytabSecretRef)
	}
}

func (r *references) database(server *dittofsv1alpha1.DittoServer, path *field.Path) {
	if ref := server.Spec.Database.PostgresSecretRef; ref != nil {
		// With Percona it is not read, and not missed.
		r.name(path.Child("database", "postgresSecretRef"), ref.Name, server.Spec.PostgresSecret() == nil)
	}
	percona := server.Spec.Percona
	if percona == nil {
		return
	}
	path = path.Child("percona")
	r.key(path.Child("caSecretRef"), percona.CASecretRef)
	if backup := percona.Backup; backup != nil && backup.CredentialsSecretRef != nil {
		r.other(path.Child("backup", "credentialsSecretRef"), backup.CredentialsSecretRef.Name, "PostgreSQL waits for it")
	}
	if !percona.Enabled {
		return
	}
	// What the Percona operator makes for a cluster, by its rules for names.
	cluster, user := server.Name+"-postgres", percona.UserName
	if user == "" {
		user = "dittofs"
	}
	existing := percona.ExistingClusterRef
	if existing != nil {
		cluster = existing.Name
	}
	made := []string{cluster + "-pguser-" + user}
	if percona.CASecretRef == nil {
		made = append(made, cluster+"-cluster-cert")
	}
	for _, name := range made {
		if existing != nil {
			// Whose cluster it will be, if it is not there yet, nobody knows: it is
			// asked about as if the name were in the spec.
			r.name(path.Child("existingClusterRef"), name, true)
		} else {
			r.derive(path.Child("existingClusterRef"), name)
		}
	}
}

func (r *references) controlPlane(controlPlane *dittofsv1alpha1.ControlPlaneSpec, path *field.Path) {
	r.name(path.Child("certSecretName"), controlPlane.CertSecretName, false)
	r.name(path.Child("clientCASecretName"), controlPlane.ClientCASecretName, false)
	r.other(path.Child("clientCertSecretName"), controlPlane.ClientCertSecretName, "the controllers cannot call the dfs API until then")
	if ingress := controlPlane.Ingress; ingress != nil {
		r.other(path.Child("ingress", "tlsSecretName"), ingress.TLSSecretName,
			"the server and its Ingress are made all the same, and the ingress controller has no certificate for the host until then")
	}
}

// other is a Secret that dfs does not read, with what becomes of it without.
func (r *references) other(path *field.Path, name, without string) {
	if name != "" {
		*r = append(*r, reference{name: name, field: path.String(), without: without})
	}
}
