// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfstarget

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// ValidateURLTemplate says whether the template leads to a URL.
func ValidateURLTemplate(template string) error {
	if template == "" {
		return nil
	}
	u, err := url.Parse(expand(template, "http", types.NamespacedName{Namespace: "ns", Name: "name"}, 1))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("dfs URL template %q: want http, https or {scheme} and a host, with {namespace}, {name} and {port} where needed", template)
	}
	return nil
}

// expand fills a template in. A template that names a scheme keeps it, whatever the server itself serves.
func expand(template, scheme string, server types.NamespacedName, port int32) string {
	return strings.NewReplacer(
		"{scheme}", scheme,
		"{namespace}", server.Namespace,
		"{name}", server.Name,
		"{port}", strconv.Itoa(int(port)),
	).Replace(template)
}
