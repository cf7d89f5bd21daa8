// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import "testing"

// A dead API takes two timeouts: as many of them as there are workers would keep everybody else waiting.
func TestServersThatDoNotAnswerLeaveWorkersToThoseThatDo(t *testing.T) {
	f := newFixture(t)
	f.p.failing = maxFailing
	if o, _ := f.probe(); !o.Reached {
		t.Error("a server that was never asked has to wait for those that do not answer")
	}
	f.http.Close()
	if o := f.later(); o.FailingSince.IsZero() {
		t.Fatalf("observed %+v", o)
	}
	f.clock.Step(2 * maxRetry)
	if _, wait := f.probe(); wait != minPause {
		t.Errorf("beside too many others that do not answer it waits %s, want %s", wait, minPause)
	}
	f.p.failing = 0
	if _, wait := f.probe(); wait < firstRetry || f.p.failing != 0 {
		t.Errorf("once there is room it waits %s; %d are counted as being asked", wait, f.p.failing)
	}
}
