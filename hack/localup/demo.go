// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// demo creates the sample in a control plane that it starts when none is up, and shows what becomes of it.
func demo(ctx context.Context, out io.Writer, l layout, emulatedVersion string) error {
	name, namespace, err := readSample(l.sample())
	if err != nil {
		return err
	}
	if err := ensureUp(ctx, out, l, emulatedVersion); err != nil {
		return err
	}
	k := kubectl{layout: l, out: out, namespace: namespace}
	if err := showSample(ctx, k, name); err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted; the control plane is still up: stop it with `make down`")
		}
		fmt.Fprintln(out, "\nThe server did not get ready. What the cluster says about it:")
		// Best effort: these only explain the error that follows.
		_ = k.run(ctx, "describe", "dittoserver", name)
		_ = k.run(ctx, "get", "events", "--sort-by=.metadata.creationTimestamp")
		return fmt.Errorf("the demo failed: %w (logs are in %s; stop the control plane with `make down`)", err, l.logDir())
	}
	fmt.Fprintln(out, "\nThe control plane is left running:")
	printNextSteps(out, l)
	return nil
}

func showSample(ctx context.Context, k kubectl, name string) error {
	for _, args := range [][]string{
		{"apply", "-f", k.relative(k.layout.sample())},
		{"wait", "--for=condition=Ready", "dittoserver/" + name, "--timeout=120s"},
		{"get", "dittoservers", "-o", "wide"},
		{"get", "statefulset,pod,service,configmap,secret", "-l", "dittofs.io/server=" + name},
		// Claims carry the labels of the claim templates, which the upstream operator has fixed.
		{"get", "pvc", "-l", "app=dittofs-server,instance=" + name},
	} {
		if err := k.run(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// readSample finds the DittoServer in a manifest that may hold more than it.
func readSample(path string) (name, namespace string, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", "", fmt.Errorf("read the sample: %w", err)
	}
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return "", "", fmt.Errorf("%s holds no DittoServer", path)
		}
		if err != nil {
			return "", "", fmt.Errorf("parse %s: %w", path, err)
		}
		if object.GetKind() == "DittoServer" {
			return object.GetName(), object.GetNamespace(), nil
		}
	}
}

// kubectl runs commands against the local control plane and shows them, so that a user can repeat them.
type kubectl struct {
	layout    layout
	out       io.Writer
	namespace string
}

func (k kubectl) run(ctx context.Context, args ...string) error {
	if k.namespace != "" {
		args = append([]string{"-n", k.namespace}, args...)
	}
	fmt.Fprintf(k.out, "\n$ kubectl %s\n", strings.Join(args, " "))
	command := exec.CommandContext(ctx, filepath.Join(k.layout.binDir(), "kubectl"), args...)
	command.Dir = k.layout.root
	command.Stdout, command.Stderr = k.out, k.out
	command.Env = append(os.Environ(),
		"KUBECONFIG="+k.layout.kubeconfig(),
		// Not ~/.kube/cache: ports are reused, and another cluster's discovery would be believed.
		"KUBECACHEDIR="+filepath.Join(k.layout.runDir(), "kubectl-cache"))
	if err := command.Run(); err != nil {
		return fmt.Errorf("kubectl %s: %w", args[0], err)
	}
	return nil
}

func (k kubectl) relative(path string) string {
	if relative, err := filepath.Rel(k.layout.root, path); err == nil {
		return relative
	}
	return path
}
