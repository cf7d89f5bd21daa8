// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"net"
	"strings"
	"time"
	"unicode/utf8"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// ingressClassAnnotation is older than className, and some ingress controllers still read it.
const ingressClassAnnotation = "kubernetes.io/ingress.class"

var writeTimeouts = durationRange{min: 10 * time.Second, max: 2 * time.Hour, example: "2m"}

func validateControlPlane(api *dittofsv1alpha1.ControlPlaneSpec, path *field.Path) field.ErrorList {
	errs := writeTimeouts.check(api.WriteTimeout, path.Child("writeTimeout"))
	errs = append(errs, validateObjectName(api.CertSecretName, path.Child("certSecretName"))...)
	errs = append(errs, validateObjectName(api.ClientCASecretName, path.Child("clientCASecretName"))...)
	errs = append(errs, validateObjectName(api.ClientCertSecretName, path.Child("clientCertSecretName"))...)
	if api.TLSServerName != "" && utf8.RuneCountInString(api.TLSServerName) <= maxTagged {
		for _, message := range utilvalidation.IsDNS1123Subdomain(api.TLSServerName) {
			errs = append(errs, field.Invalid(path.Child("tlsServerName"), api.TLSServerName, message))
		}
	}
	errs = append(errs, validateTLSParts(api, path)...)
	return append(errs, validateIngress(api.Ingress, path.Child("ingress"))...)
}

// validateTLSParts refuses parts of TLS that would silently do nothing.
func validateTLSParts(api *dittofsv1alpha1.ControlPlaneSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if api.CertSecretName == "" {
		var parts []string
		for _, part := range []struct {
			name string
			set  bool
		}{
			{"clientCASecretName", api.ClientCASecretName != ""},
			{"tlsMinVersion", api.TLSMinVersion != ""},
			{"tlsServerName", api.TLSServerName != ""},
		} {
			if part.set {
				parts = append(parts, part.name)
			}
		}
		if len(parts) > 0 {
			errs = append(errs, field.Required(path.Child("certSecretName"),
				strings.Join(parts, " and ")+" needs it: the API serves TLS only with a Secret that has tls.crt and tls.key"))
		}
	}
	if api.ClientCASecretName != "" && api.ClientCertSecretName == "" {
		errs = append(errs, field.Required(path.Child("clientCertSecretName"),
			"clientCASecretName needs it: without a certificate to show, the controller could not call the API any more"))
	}
	return errs
}

func validateIngress(ingress *dittofsv1alpha1.IngressSpec, path *field.Path) field.ErrorList {
	if ingress == nil {
		return nil
	}
	var errs field.ErrorList
	if host, hostPath := ingress.Host, path.Child("host"); host != "" {
		messages := utilvalidation.IsDNS1123Subdomain(host)
		switch {
		case net.ParseIP(host) != nil:
			messages = []string{"must be a DNS name, not an IP address, for example files.example.com"}
		case strings.Contains(host, "*"):
			messages = utilvalidation.IsWildcardDNS1123Subdomain(host)
		}
		for _, message := range messages {
			errs = append(errs, field.Invalid(hostPath, host, message))
		}
	}
	if class := ingress.ClassName; class != nil {
		errs = append(errs, validateAnyName(*class, path.Child("className"))...)
		// A rule of Ingresses, at their creation only.
		if annotated, ok := ingress.Annotations[ingressClassAnnotation]; ok && annotated != *class {
			errs = append(errs, field.Invalid(path.Child("annotations").Key(ingressClassAnnotation), annotated,
				fmt.Sprintf("must be left out, or be className, which is %q", *class)))
		}
	}
	errs = append(errs, validateObjectName(ingress.TLSSecretName, path.Child("tlsSecretName"))...)
	return append(errs, apivalidation.ValidateAnnotations(ingress.Annotations, path.Child("annotations"))...)
}
