// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfstarget

import "testing"

func TestValidateURLTemplate(t *testing.T) {
	for template, ok := range map[string]bool{
		"": true, "http://{name}-api.{namespace}.svc:{port}": true, "https://gw/{namespace}/{name}": true,
		"{scheme}://gw/{namespace}/{name}": true, "gw:80": false, "ftp://gw": false, "http://": false,
	} {
		if err := ValidateURLTemplate(template); (err == nil) != ok {
			t.Errorf("%q: %v", template, err)
		}
	}
}
