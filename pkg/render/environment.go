// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

const postgresEnvPrefix = "DITTOFS_DATABASE_POSTGRES_"

// environment carries what must not be in the ConfigMap, and then what the user wants. A variable that comes or goes is a
// change of the pod template, and restarts the server.
func environment(server *v1alpha1.DittoServer, in Inputs) ([]*corev1ac.EnvVarApplyConfiguration, error) {
	env := []*corev1ac.EnvVarApplyConfiguration{
		secretEnv("DITTOFS_CONTROLPLANE_SECRET", JWTSecret(server), false),
		// Optional, because dfs reads it only while its database is empty: years later a pod must not hang in
		// CreateContainerConfigError for a Secret that somebody tidied away. At the first start it has to be there, else the
		// admin gets a random password that nobody learns: the controller makes sure of that before it makes the StatefulSet.
		secretEnv("DITTOFS_ADMIN_INITIAL_PASSWORD", AdminPassword(server), true),
	}
	env = append(env, databaseEnvironment(server, in)...)
	env = append(env, directoryEnvironment(server)...)
	extra, err := extraEnvironment(server.Spec.ExtraEnv)
	if err != nil {
		return nil, err
	}
	return append(env, extra...), nil
}

func databaseEnvironment(server *v1alpha1.DittoServer, in Inputs) []*corev1ac.EnvVarApplyConfiguration {
	var env []*corev1ac.EnvVarApplyConfiguration
	if percona := percona(server); percona.Enabled {
		user := PerconaUserSecretName(server)
		for _, key := range perconaKeys {
			env = append(env, postgresEnv(user, key))
		}
		return append(env,
			// Not that of the Secret, which is the first database of the user, whichever that is.
			corev1ac.EnvVar().WithName(postgresEnvPrefix+"DATABASE").WithValue(percona.DatabaseName),
			corev1ac.EnvVar().WithName(postgresEnvPrefix+"SSLMODE").WithValue("verify-full"),
			corev1ac.EnvVar().WithName(postgresEnvPrefix+"SSL_ROOT_CERT").WithValue(inVolume(postgresCAVolume, postgresCAFileName)))
	}
	ref := server.Spec.Database.PostgresSecretRef
	if ref == nil {
		return nil
	}
	for _, key := range postgresKeys {
		env = append(env, postgresEnv(ref.Name, key))
	}
	for _, key := range postgresOptionalKeys {
		if in.PostgresKeys[key] {
			env = append(env, postgresEnv(ref.Name, key))
		}
	}
	return env
}

// directoryEnvironment has the passwords that dfs reads together with the configuration of LDAP and Kerberos.
//
// They are seeds: dfs believes its database after the first start, which the controller writes to by the dfs API. Yet the
// one for LDAP cannot be left out of a pod that gets LDAP later, which costs one restart: dfs refuses a file that enables
// LDAP without a password, at each of its starts. It is optional so that switching LDAP on and off does not cost another.
// The one for the machine account follows its switch, as dfs begins to use an account at its start only.
func directoryEnvironment(server *v1alpha1.DittoServer) []*corev1ac.EnvVarApplyConfiguration {
	var env []*corev1ac.EnvVarApplyConfiguration
	if ref := ldapPassword(server); ref != nil {
		env = append(env, secretEnv("DITTOFS_LDAP_BIND_PASSWORD", SecretKey{Name: ref.Name, Key: ref.Key}, true))
	}
	if ref := machineAccount(server).SecretRef; ref != nil {
		env = append(env, secretEnv("DITTOFS_KERBEROS_MACHINE_ACCOUNT_SECRET", SecretKey{Name: ref.Name, Key: ref.Key},
			!usesMachineAccount(server)))
	}
	return env
}

// extraEnvironment writes out what the API server adds to a source: the API has a fieldRef as one value.
func extraEnvironment(extra []corev1.EnvVar) ([]*corev1ac.EnvVarApplyConfiguration, error) {
	list := make([]corev1.EnvVar, 0, len(extra))
	for i := range extra {
		variable := *extra[i].DeepCopy()
		if variable.ValueFrom != nil {
			defaultFieldRef(variable.ValueFrom.FieldRef)
		}
		list = append(list, variable)
	}
	env, err := convertedList[corev1ac.EnvVarApplyConfiguration](list)
	if err != nil {
		return nil, fmt.Errorf("spec.extraEnv: %w", err)
	}
	return env, nil
}

// defaultFieldRef has the default of the API server.
func defaultFieldRef(ref *corev1.ObjectFieldSelector) {
	if ref != nil && ref.APIVersion == "" {
		ref.APIVersion = "v1"
	}
}

func postgresEnv(secret, key string) *corev1ac.EnvVarApplyConfiguration {
	return secretEnv(postgresEnvPrefix+strings.ToUpper(key), SecretKey{Name: secret, Key: key}, false)
}

func secretEnv(name string, from SecretKey, optional bool) *corev1ac.EnvVarApplyConfiguration {
	selector := corev1ac.SecretKeySelector().WithName(from.Name).WithKey(from.Key)
	if optional {
		selector.WithOptional(true)
	}
	return corev1ac.EnvVar().WithName(name).WithValueFrom(corev1ac.EnvVarSource().WithSecretKeyRef(selector))
}
