// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// everyAddress is what dfs listens on: the default is 127.0.0.1, where neither the kubelet nor a Service reaches it.
const everyAddress = "0.0.0.0"

type dfsControlPlane struct {
	Host         string  `json:"host"`
	Port         int32   `json:"port"`
	WriteTimeout string  `json:"write_timeout"`
	JWT          dfsJWT  `json:"jwt"`
	TLS          *dfsTLS `json:"tls,omitempty"`
}

type dfsJWT struct {
	AccessTokenDuration  string `json:"access_token_duration"`
	RefreshTokenDuration string `json:"refresh_token_duration"`
}

type dfsTLS struct {
	CertFile string `json:"cert_file"`
	KeyFile  string `json:"key_file"`
	ClientCA string `json:"client_ca,omitempty"`
	// MinVersion is text: the YAML encoder quotes it, else the loader would see a fraction.
	MinVersion string `json:"min_version,omitempty"`
}

type dfsMetrics struct {
	Enabled   bool   `json:"enabled"`
	Host      string `json:"host"`
	Port      int32  `json:"port"`
	Path      string `json:"path"`
	Auth      string `json:"auth"`
	TokenFile string `json:"token_file,omitempty"`
}

func controlPlaneConfig(server *v1alpha1.DittoServer) (dfsControlPlane, field.ErrorList) {
	var errs field.ErrorList
	spelled := func(at *field.Path, value string) string {
		text, err := duration(at, value)
		if err != nil {
			errs = append(errs, err)
		}
		return text
	}
	jwt, jwtPath := server.Spec.Identity.JWT, field.NewPath("spec", "identity", "jwt")
	return dfsControlPlane{
		Host: everyAddress,
		Port: *server.Spec.ControlPlane.Port,
		// Never left to dfs: its default of 10 s cuts off, without an answer, requests that wait for a slow S3 remote (30 s
		// are common) and every restore of a snapshot.
		WriteTimeout: spelled(field.NewPath("spec", "controlPlane", "writeTimeout"), server.Spec.ControlPlane.WriteTimeout),
		JWT: dfsJWT{
			AccessTokenDuration:  spelled(jwtPath.Child("accessTokenDuration"), jwt.AccessTokenDuration),
			RefreshTokenDuration: spelled(jwtPath.Child("refreshTokenDuration"), jwt.RefreshTokenDuration),
		},
		TLS: tlsConfig(server),
	}, errs
}

// tlsConfig is nil for plain HTTP. dfs looks at the certificate again when its file changes, at the client CA never.
func tlsConfig(server *v1alpha1.DittoServer) *dfsTLS {
	if !nativeTLS(server) {
		return nil
	}
	tls := &dfsTLS{
		CertFile:   inVolume(tlsVolume, certKey),
		KeyFile:    inVolume(tlsVolume, certKeyKey),
		MinVersion: string(server.Spec.ControlPlane.TLSMinVersion),
	}
	if mutualTLS(server) {
		tls.ClientCA = inVolume(clientCAVolume, caKey)
	}
	return tls
}

func nativeTLS(server *v1alpha1.DittoServer) bool {
	return server.Spec.ControlPlane.CertSecretName != ""
}

// mutualTLS needs native TLS: dfs does not start with a client CA alone.
func mutualTLS(server *v1alpha1.DittoServer) bool {
	return nativeTLS(server) && server.Spec.ControlPlane.ClientCASecretName != ""
}

func metricsConfig(server *v1alpha1.DittoServer) *dfsMetrics {
	metrics := enabledMetrics(server)
	if metrics == nil {
		return nil
	}
	config := &dfsMetrics{Enabled: true, Host: everyAddress, Port: *metrics.Port, Path: metrics.Path, Auth: "none"}
	if metrics.BearerTokenSecret != nil {
		config.Auth, config.TokenFile = "token", inVolume(metricsTokenVolume, metricsTokenFile)
	}
	return config
}
