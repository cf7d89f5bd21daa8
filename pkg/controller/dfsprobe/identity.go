// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"time"
)

// began notices another process: it may have come up on another database, and everything is asked of it anew.
func (v *visit) began(started time.Time) {
	now := run{process: v.t.process(), started: started}
	if v.st.run.process == now.process && v.st.run.started.Equal(now.started) {
		return
	}
	v.st.run, v.st.rounds = now, settingsEvery
	v.st.identity = identityState{}
	v.o.MachineSID = ""
}

// identify asks the process for the identity of its database, once.
func (v *visit) identify(ctx context.Context) error {
	if v.st.run.sid == "" {
		sid, err := v.st.api.MachineSID(ctx)
		if err != nil {
			return err
		}
		v.st.run.sid = sid
	}
	v.o.MachineSID = v.st.run.sid
	return nil
}
