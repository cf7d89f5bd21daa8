// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// validateDirectory refuses what dfs would refuse at its start, where nobody
// who typed it sees the answer, or at a call of the controller.
func validateDirectory(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) field.ErrorList {
	errs := validateLDAP(spec.Identity.LDAP, spec.ExtraVolumeMounts, path.Child("ldap"))
	return append(errs, validateKerberos(spec.Identity.Kerberos, path.Child("kerberos"))...)
}

var ldapAttribute = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)

func validateLDAP(ldap *dittofsv1alpha1.LDAPSpec, mounts []corev1.VolumeMount, path *field.Path) field.ErrorList {
	if ldap == nil {
		return nil
	}
	errs := validateLDAPURL(ldap, path.Child("url"))
	errs = append(errs, validateNotBlank(ldap.BaseDN, "dc=example,dc=com", path.Child("baseDN"))...)
	errs = append(errs, validateNotBlank(ldap.BindDN, "cn=dittofs,dc=example,dc=com", path.Child("bindDN"))...)
	if ldap.Enabled && ldap.BindPasswordSecretRef == nil {
		errs = append(errs, field.Required(path.Child("bindPasswordSecretRef"),
			"is needed when ldap is enabled: without a password many directories let in an anonymous user"))
	}
	errs = append(errs, validateKeyReference(ldap.BindPasswordSecretRef, path.Child("bindPasswordSecretRef"))...)
	if ldap.UserAttr != "" && !ldapAttribute.MatchString(ldap.UserAttr) {
		errs = append(errs, field.Invalid(path.Child("userAttr"), ldap.UserAttr,
			"must be the name of an attribute: a letter, then letters, digits and hyphens, for example sAMAccountName"))
	}
	return append(errs, validateMountedFile(ldap.CACertFile, mounts, path.Child("caCertFile"))...)
}

// validateNotBlank is about what the tag takes for given, and dfs does not.
func validateNotBlank(text, example string, path *field.Path) field.ErrorList {
	if text == "" || strings.TrimSpace(text) != "" {
		return nil
	}
	return field.ErrorList{field.Invalid(path, text, "must not be blank, for example "+example)}
}

// maxURL is what the tags refuse: what is longer has one error, not two.
const maxURL = 2048

// validateLDAPURL never repeats a URL with an account in it: it may hold a password.
func validateLDAPURL(ldap *dittofsv1alpha1.LDAPSpec, path *field.Path) field.ErrorList {
	if ldap.URL == "" || utf8.RuneCountInString(ldap.URL) > maxURL {
		return nil
	}
	const form = "must be ldaps://HOST[:PORT], or ldap://HOST[:PORT] with startTLS or allowPlaintext"
	directory, err := url.Parse(ldap.URL)
	if err != nil || strings.Contains(ldap.URL, "@") {
		return field.ErrorList{field.Invalid(path, "(not shown)", form+"; the account belongs into bindDN and bindPasswordSecretRef")}
	}
	rest := directory.Path != "" && directory.Path != "/" || directory.RawQuery != "" || directory.Fragment != "" || directory.Opaque != ""
	if directory.Scheme != "ldap" && directory.Scheme != "ldaps" || rest || !isHostPort(directory.Host) {
		return field.ErrorList{field.Invalid(path, ldap.URL, form)}
	}
	if directory.Scheme == "ldap" && !ldap.StartTLS && !ldap.AllowPlaintext {
		return field.ErrorList{field.Invalid(path, ldap.URL,
			"sends passwords in clear: use ldaps://, or set startTLS, or set allowPlaintext if that is really wanted")}
	}
	return nil
}

// validateMountedFile wants a file where the user mounted something: nothing
// else in the container can hold it.
func validateMountedFile(file string, mounts []corev1.VolumeMount, fieldPath *field.Path) field.ErrorList {
	if file == "" {
		return nil
	}
	holds := func(mount corev1.VolumeMount) bool { return file == mount.MountPath || below(file, mount.MountPath) }
	if path.IsAbs(file) && path.Clean(file) == file && slices.ContainsFunc(mounts, holds) {
		return nil
	}
	return field.ErrorList{field.Invalid(fieldPath, file, "must be a file below the mountPath of one of extraVolumeMounts, as an absolute path")}
}

func validateKerberos(kerberos *dittofsv1alpha1.KerberosSpec, path *field.Path) field.ErrorList {
	if kerberos == nil {
		return nil
	}
	var errs field.ErrorList
	if kerberos.Enabled && kerberos.ServicePrincipal == "" {
		errs = append(errs, field.Required(path.Child("servicePrincipal"), "is needed when kerberos is enabled, for example nfs/files.example.com@EXAMPLE.COM"))
	}
	if kerberos.Enabled && kerberos.KeytabSecretRef == nil {
		errs = append(errs, field.Required(path.Child("keytabSecretRef"), "is needed when kerberos is enabled: it names the key with the keytab of servicePrincipal"))
	}
	errs = append(errs, validatePrincipal(kerberos.ServicePrincipal, path.Child("servicePrincipal"))...)
	errs = append(errs, validateWithout(kerberos.Realm, "@/", "must not contain '@', '/' or spaces, for example EXAMPLE.COM", path.Child("realm"))...)
	errs = append(errs, validateWithout(kerberos.NetBIOSDomain, ".@/", "must be one label without '.', '@', '/' or spaces, for example EXAMPLE", path.Child("netbiosDomain"))...)
	errs = append(errs, validateWithout(kerberos.DNSDomain, "@/", "must not contain '@', '/' or spaces, for example example.com", path.Child("dnsDomain"))...)
	errs = append(errs, validateAbsoluteFile(kerberos.Krb5Conf, path.Child("krb5Conf"))...)
	errs = append(errs, validateKeyReference(kerberos.KeytabSecretRef, path.Child("keytabSecretRef"))...)
	errs = append(errs, validateKeyReference(kerberos.Krb5ConfSecretRef, path.Child("krb5ConfSecretRef"))...)
	return append(errs, validateMachineAccount(kerberos.MachineAccount, path.Child("machineAccount"))...)
}

var principal = regexp.MustCompile(`^[^\s@/]+/[^\s@/]+(@[^\s@/]+)?$`)

func validatePrincipal(name string, path *field.Path) field.ErrorList {
	if name == "" || principal.MatchString(name) {
		return nil
	}
	return field.ErrorList{field.Invalid(path, name, "must be SERVICE/HOST or SERVICE/HOST@REALM, for example nfs/files.example.com@EXAMPLE.COM")}
}

func validateWithout(value, forbidden, message string, path *field.Path) field.ErrorList {
	if !strings.ContainsAny(value, forbidden) && !strings.ContainsFunc(value, isSpaceOrControl) {
		return nil
	}
	return field.ErrorList{field.Invalid(path, value, message)}
}

func validateAbsoluteFile(file string, fieldPath *field.Path) field.ErrorList {
	if file == "" || path.IsAbs(file) && path.Clean(file) == file && file != "/" {
		return nil
	}
	return field.ErrorList{field.Invalid(fieldPath, file, "must be the absolute path of a file in the pod, for example /etc/krb5.conf")}
}

func validateMachineAccount(account *dittofsv1alpha1.MachineAccountSpec, path *field.Path) field.ErrorList {
	if account == nil {
		return nil
	}
	var errs field.ErrorList
	if account.Enabled && account.AccountName == "" {
		errs = append(errs, field.Required(path.Child("accountName"), "is needed when machineAccount is enabled, for example FILES$"))
	}
	if account.Enabled && account.SecretRef == nil && account.KeytabSecretRef == nil {
		errs = append(errs, field.Required(path.Child("secretRef"), "secretRef or keytabSecretRef is needed when machineAccount is enabled"))
	}
	errs = append(errs, validateWithout(account.AccountName, "@/", "must not contain '@', '/' or spaces, for example FILES$", path.Child("accountName"))...)
	errs = append(errs, validateKeyReference(account.SecretRef, path.Child("secretRef"))...)
	errs = append(errs, validateKeyReference(account.KeytabSecretRef, path.Child("keytabSecretRef"))...)
	for i, address := range account.DCAddress {
		if !isHostPort(address) {
			errs = append(errs, field.Invalid(path.Child("dcAddress").Index(i), address, "must be HOST or HOST:PORT, for example dc1.example.com"))
		}
	}
	return errs
}

// isHostPort accepts a DNS name or an address, with a port or without.
func isHostPort(text string) bool {
	host := text
	if name, port, err := net.SplitHostPort(text); err == nil {
		number, err := strconv.Atoi(port)
		if err != nil || len(utilvalidation.IsValidPortNum(number)) > 0 {
			return false
		}
		host = name
	} else if len(text) > 1 && text[0] == '[' && text[len(text)-1] == ']' {
		host = text[1 : len(text)-1]
	}
	return net.ParseIP(host) != nil || len(utilvalidation.IsDNS1123Subdomain(strings.ToLower(host))) == 0
}
