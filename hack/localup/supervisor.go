// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
	"github.com/dittofs/dittofs-apiserver/test/controlplane/process"
)

// runSupervisor owns every process of the plane until it is told to end. `up` starts it in the background.
func runSupervisor(ctx context.Context, l layout, emulatedVersion string) (err error) {
	self, err := process.Identify("supervisor", os.Getpid())
	if err != nil {
		return err
	}
	began := time.Now()
	s := &state{Supervisor: self, Phase: starting, Since: began}
	if err := l.claim(s); err != nil {
		return err
	}
	var saveErr error
	report := func(name, detail string) {
		s.Components = append(s.Components, component{Name: name, Detail: detail, After: time.Since(began)})
		saveErr = errors.Join(saveErr, l.save(s))
		fmt.Printf("%s ready %s\n", name, detail)
	}
	plane, err := bringUp(ctx, l, emulatedVersion, report)
	if err == nil {
		s.Phase, s.Since = ready, time.Now()
		err = errors.Join(saveErr, l.save(s))
	}
	if err == nil {
		<-ctx.Done()
		fmt.Println("stopping")
	} else if ctx.Err() == nil {
		s.Phase, s.Error = failed, err.Error()
		_ = l.save(s) // who cannot read it finds the same in the log
	} else {
		err = nil // told to end before it was ready: no failure
	}
	if plane != nil {
		err = errors.Join(err, plane.Stop())
	}
	return err
}

// bringUp returns the plane with what was started of it, also on an error.
func bringUp(ctx context.Context, l layout, emulatedVersion string, report func(name, detail string)) (*controlplane.ControlPlane, error) {
	plane, err := controlplane.Start(ctx, controlplane.Options{
		Dir: l.runDir(), LogDir: l.logDir(), BinDir: l.binDir(), EmulatedVersion: emulatedVersion, Report: report,
	})
	if err != nil {
		return nil, err
	}
	kubeconfig, err := os.ReadFile(plane.KubeconfigPath)
	if err != nil {
		return plane, fmt.Errorf("read the admin's kubeconfig: %w", err)
	}
	if err := process.WriteFile(l.kubeconfig(), kubeconfig, 0o600); err != nil {
		return plane, err
	}
	standIn, err := plane.StartStandIn(ctx)
	if err != nil {
		return plane, err
	}
	_, err = plane.InstallDittoFS(ctx, controlplane.DittoFSOptions{
		RepoDir: l.root, GenerateCredentials: true, DFSURLTemplate: standIn.URLTemplate,
	})
	return plane, err
}
