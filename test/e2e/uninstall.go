// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"
)

// uninstall goes by the documented order. Nothing may hang, and the data of the file servers stays until its namespace goes.
func (s *suite) uninstall(ctx context.Context) (string, error) {
	s.endWrites()
	overlay, err := s.overlay(s.installed)
	if err != nil {
		return "", err
	}
	began := time.Now()
	for _, args := range [][]string{
		{"delete", "dittoservers.dittofs.io", "--all", "--all-namespaces", "--timeout=2m"},
		{"delete", "apiservice", "v1alpha1.dittofs.io", "--timeout=1m"},
	} {
		if _, err := s.kubectl(ctx, args...); err != nil {
			return "", err
		}
	}
	claims, err := s.kubectl(ctx, "-n", tenantNamespace, "get", "pvc", "-o", "name")
	if err != nil {
		return "", err
	}
	if claims == "" {
		return "", fmt.Errorf("the volumes of the file server are gone, and nobody asked for that")
	}
	for _, args := range [][]string{
		{"delete", "-k", overlay, "--ignore-not-found", "--timeout=3m"},
		{"delete", "namespace", tenantNamespace, "--timeout=2m"},
	} {
		if _, err := s.kubectl(ctx, args...); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("all gone after %.1f s, volumes kept until their namespace went", time.Since(began).Seconds()), nil
}
