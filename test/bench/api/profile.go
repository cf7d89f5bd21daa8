// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// profileTime is shorter than any step takes with the default flags.
const profileTime = 15 * time.Second

// profiled takes a CPU profile of our server while a step runs, if one is wanted.
func (b *bench) profiled(name string, step func() error) error {
	if b.options.profileDir == "" {
		return step()
	}
	client, err := adminClient(b.server.DirectConfig())
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		profile, err := client.Get().AbsPath("/debug/pprof/profile").
			Param("seconds", fmt.Sprint(int(profileTime.Seconds()))).Timeout(2 * profileTime).DoRaw(context.Background())
		if err == nil {
			err = os.MkdirAll(b.options.profileDir, 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(b.options.profileDir, name+".pprof"), profile, 0o644)
		}
		done <- err
	}()
	if err := step(); err != nil {
		return err
	}
	if err := <-done; err != nil {
		return fmt.Errorf("profile of %s: %w", name, err)
	}
	return nil
}
