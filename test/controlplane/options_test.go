// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMissingBinariesNameTheCommandThatBuildsThem(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "etcd"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	options := Options{Dir: dir, BinDir: dir}
	err := options.complete()
	if err == nil || !strings.Contains(err.Error(), "make controlplane") || strings.Contains(err.Error(), "etcd not found") {
		t.Fatalf("got %v, want the missing binaries and `make controlplane`", err)
	}
}

func TestLeasedPortsDiffer(t *testing.T) {
	seen := map[int]bool{}
	for range 50 {
		lease, err := leasePort()
		if err != nil {
			t.Fatal(err)
		}
		defer lease.release()
		if seen[lease.port] {
			t.Fatalf("port %d was leased twice", lease.port)
		}
		seen[lease.port] = true
	}
}

func TestShellQuote(t *testing.T) {
	for _, path := range []string{"/plain", "/with blank", "/it's", `/a"b$c\d`} {
		output, err := exec.Command("/bin/sh", "-c", "printf %s "+shellQuote(path)).Output()
		if err != nil || string(output) != path {
			t.Errorf("%q came back as %q (%v)", path, output, err)
		}
	}
}

func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("1\n2\n"+strings.Repeat("x", 600)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := tail(path, 2), "2\n"+strings.Repeat("x", 500)+" ..."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := tail(filepath.Join(path, "none"), 2); got == "" {
		t.Error("a log that cannot be read is passed over in silence")
	}
}

func TestCertificatesVerifyAndOutlastAnyPlane(t *testing.T) {
	ca, err := NewAuthority("ca")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.serving("service.namespace.svc")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(pair.Cert)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.PEM())
	for _, name := range []string{"localhost", "127.0.0.1", "service.namespace.svc"} {
		inFiveYears := time.Now().AddDate(5, 0, 0)
		if _, err := certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: inFiveYears}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
