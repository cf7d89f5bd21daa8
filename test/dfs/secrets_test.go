// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/dittofs/dittofs-apiserver/pkg/render"
	"github.com/dittofs/dittofs-apiserver/test/standin/certs"
)

// Values of made-up Secrets.
const (
	jwtSecret     = "0123456789abcdef0123456789abcdef"
	adminPassword = "correct horse"
	metricsToken  = "scrape-me"
)

// furnishSecrets makes up every Secret and ConfigMap that the pod needs and that the test did not give it.
func (s *server) furnishSecrets() {
	s.t.Helper()
	for _, secret := range render.StartSecrets(s.object) {
		if secret.Optional {
			continue
		}
		if s.secrets[secret.Name] == nil {
			s.secrets[secret.Name] = map[string]string{}
		}
		data := s.secrets[secret.Name]
		for _, key := range secret.Keys {
			if data[key] == "" {
				s.makeUp(data, secret.Purpose, key)
			}
		}
	}
	for _, v := range s.object.Spec.ExtraVolumes {
		if v.ConfigMap != nil && s.configMaps[v.ConfigMap.Name] == nil {
			s.configMaps[v.ConfigMap.Name] = map[string]string{"ca.crt": certs.NewAuthority(s.t).PEM, "ca.pem": certs.NewAuthority(s.t).PEM}
		}
	}
}

func (s *server) makeUp(data map[string]string, purpose, key string) {
	s.t.Helper()
	switch purpose {
	case render.PurposeJWT:
		data[key] = jwtSecret
	case render.PurposeAdmin:
		data[key] = adminPassword
	case render.PurposeMetricsToken:
		data[key] = metricsToken + "\n"
	case render.PurposeTLS:
		for k, v := range certs.NewAuthority(s.t).Leaf(nil, s.object.Name+"-api."+s.object.Namespace+".svc") {
			data[k] = v
		}
	case render.PurposeClientCA:
		ca := certs.NewAuthority(s.t)
		data[key] = ca.PEM
		if client := s.object.Spec.ControlPlane.ClientCertSecretName; client != "" {
			s.secrets[client] = ca.Leaf(nil)
		}
	case render.PurposePostgres, render.PurposePercona, render.PurposePostgresCA:
		s.t.Fatalf("the test has no database for the key %s of %s", key, purpose)
	case render.PurposeKeytab, render.PurposeMachineKeytab:
		data[key] = keytab("nfs", "files.example.com", "EXAMPLE.COM")
	case render.PurposeKrb5Conf:
		data[key] = "[libdefaults]\n  default_realm = EXAMPLE.COM\n  dns_lookup_kdc = false\n[realms]\n  EXAMPLE.COM = {\n    kdc = 127.0.0.1:88\n  }\n"
	default:
		data[key] = "a-password-of-" + purpose
	}
}

// secretObjects are the Secrets as the API has them.
func (s *server) secretObjects() []*corev1.Secret {
	var out []*corev1.Secret
	for name, data := range s.secrets {
		secret := &corev1.Secret{ObjectMeta: s.meta(name), Data: certs.Data(data)}
		out = append(out, secret)
	}
	slices.SortFunc(out, func(a, b *corev1.Secret) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	return out
}

// keytab is a file of MIT Kerberos, version 2, with one key of no use to anybody.
func keytab(service, host, realm string) string {
	var entry bytes.Buffer
	put := func(v any) { _ = binary.Write(&entry, binary.BigEndian, v) }
	text := func(v string) { put(uint16(len(v))); entry.WriteString(v) }
	put(uint16(2)) // components
	text(realm)
	text(service)
	text(host)
	put(uint32(1)) // KRB5_NT_PRINCIPAL
	put(uint32(time.Now().Unix()))
	put(uint8(1))                 // key version
	put(uint16(18))               // aes256-cts-hmac-sha1-96
	text(fmt.Sprintf("%032d", 7)) // the key
	var file bytes.Buffer
	_ = binary.Write(&file, binary.BigEndian, uint16(0x0502))
	_ = binary.Write(&file, binary.BigEndian, int32(entry.Len()))
	file.Write(entry.Bytes())
	return file.String()
}
