// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"errors"
	"io"
	"net"
	"os/exec"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// expose plays the Services of the adapters: what the probe saw is rendered, and every TCP port of a Service leads to the
// pod. The names of the Services are known inside. It returns the ports.
func (c *cluster) expose() (ports []int32) {
	c.t.Helper()
	in := render.Inputs{}
	for _, a := range c.probe().EnabledAdapters() {
		if !a.Serving {
			c.t.Fatalf("adapter %s: %s", a.Type, a.Detail)
		}
		in.Adapters = append(in.Adapters, render.Adapter{Type: a.Type, Port: a.Port, PortmapperPort: a.PortmapperPort, UDP: a.UDP})
	}
	objects, err := render.Network(c.object, in)
	c.must(err)
	for _, wanted := range objects.AdapterServices {
		text, err := yaml.Marshal(wanted)
		c.must(err)
		service := &corev1.Service{}
		c.must(yaml.UnmarshalStrict(text, service))
		for _, port := range service.Spec.Ports {
			if port.Protocol != corev1.ProtocolTCP {
				continue
			}
			ports = append(ports, port.Port)
			// Of its own port dfs has every address inside, that of the Service too.
			if target := int32(port.TargetPort.IntValue()); target != port.Port {
				forward(c.t, hostPort(serviceIP, port.Port), hostPort(podIP, target))
			}
		}
	}
	return ports
}

// forward leads connections on until the test ends.
func forward(t *testing.T, from, to string) {
	t.Helper()
	listener, err := net.Listen("tcp", from)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				running.Go(func() { pipe(conn, to) })
			}
		}
	})
	t.Cleanup(func() { _ = listener.Close(); running.Wait() })
}

// pipe ends when either side does.
func pipe(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() { _, _ = io.Copy(pair[0], pair[1]); done <- struct{}{} }()
	}
	<-done
}

// program skips the test if this machine does not have it.
func program(t *testing.T, name, from string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed: apt-get install %s", name, from)
	}
}
