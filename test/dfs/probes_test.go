// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// passes does what the kubelet does for a probe. It believes every certificate, and has none to show.
func passes(ctx context.Context, c *corev1.Container, probe *corev1.Probe) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(probe.TimeoutSeconds)*time.Second)
	defer cancel()
	if probe.TCPSocket != nil {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", probeAddress(c, probe.TCPSocket.Port))
		if err != nil {
			return false
		}
		return conn.Close() == nil
	}
	get := probe.HTTPGet
	scheme := strings.ToLower(string(get.Scheme))
	if scheme == "" {
		scheme = "http"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+probeAddress(c, get.Port)+get.Path, nil)
	if err != nil {
		return false
	}
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode >= 200 && res.StatusCode < 400
}

func probeAddress(c *corev1.Container, port intstr.IntOrString) string {
	number := int32(port.IntValue())
	if at := slices.IndexFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == port.StrVal }); at >= 0 {
		number = c.Ports[at].ContainerPort
	}
	return net.JoinHostPort(podIP, strconv.Itoa(int(number)))
}
