// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/ptr"
)

func TestItStopsInTheTimeThatThePodHas(t *testing.T) {
	proves(t, "SIGTERM with open NFS, SMB and API connections ends dfs with 0 within terminationGracePeriodSeconds as rendered (shutdown_timeout 5s: 30 s)")
	s := newServer(t)
	s.object.Spec.ShutdownTimeout = "5s"
	s.start()
	if grace := ptr.Deref(s.set.Spec.Template.Spec.TerminationGracePeriodSeconds, 0); grace != 5+3*5+10 {
		t.Errorf("the pod has %d s", grace)
	}
	for _, port := range []int32{12049, 1445, *s.object.Spec.ControlPlane.Port} {
		conn, err := net.Dial("tcp", hostPort(podIP, port))
		s.must(err)
		defer conn.Close()
		if port == 12049 { // half of a call: dfs waits for the rest
			_, err = conn.Write([]byte{0x80, 0, 1, 0, 0, 0})
			s.must(err)
		}
	}
	began := time.Now()
	s.stop() // fails the test if it takes longer, or ends with anything but 0
	t.Logf("it took %s", time.Since(began).Round(time.Millisecond))
}

func TestItComesBackAfterAPowerCut(t *testing.T) {
	proves(t, "killed without a warning, dfs starts again on the same volumes, with the same identity and its shares")
	s := newServer(t)
	s.start()
	s.ask("POST", "/store/metadata", map[string]any{"name": "m", "type": "badger", "config": `{"path":"/data/store/metadata/m"}`})
	s.ask("POST", "/store/block/local", map[string]any{"name": "l", "type": "fs", "config": `{"path":"/data/store/block/l"}`})
	s.ask("POST", "/shares", map[string]any{"name": "projects", "metadata_store_id": "m", "local_block_store": "l"})
	sid := s.sid()
	s.kill()
	s.start()
	if again := s.sid(); again != sid {
		t.Errorf("the identity is %s, it was %s", again, sid)
	}
	if shares := string(s.ask("GET", "/shares", nil)); !strings.Contains(shares, `"/projects"`) {
		t.Errorf("the shares: %s", shares)
	}
}
