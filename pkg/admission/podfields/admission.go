// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package podfields checks the fields of a DittoServer that are parts of a pod
// with the rules of the host cluster itself: it has a PodTemplate with them
// created as a dry run, which stores nothing, and reports under our paths what
// the host says. The Pod Security Standards are applied to them besides.
package podfields

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/client-go/kubernetes"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// PluginName is the name for --enable-admission-plugins and --disable-admission-plugins.
const PluginName = "DittoServerPodFields"

// timeout bounds the dry run.
const timeout = 5 * time.Second

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New() })
}

// Plugin fails closed: if the host cluster does not check the fields, it is 503.
// Requests that change none of them pass without being asked about.
type Plugin struct {
	*admission.Handler
	client    kubernetes.Interface
	standards *standards
	taken     *cache.LRUExpireCache
}

// New returns the plugin, to be completed by the initializers.
func New() (*Plugin, error) {
	standards, err := newStandards()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", PluginName, err)
	}
	return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update), standards: standards, taken: cache.NewLRUExpireCache(takenKept)}, nil
}

var (
	_ admission.ValidationInterface          = &Plugin{}
	_ initializer.WantsExternalKubeClientSet = &Plugin{}
	_ admission.InitializationValidator      = &Plugin{}
)

// SetExternalKubeClientSet takes the client of the host.
func (p *Plugin) SetExternalKubeClientSet(client kubernetes.Interface) { p.client = client }

// ValidateInitialization fails when an initializer was left out.
func (p *Plugin) ValidateInitialization() error {
	if p.client == nil {
		return fmt.Errorf("%s needs the client of the host cluster", PluginName)
	}
	return nil
}

// Validate asks when one of the fields is set and changes.
func (p *Plugin) Validate(ctx context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	server, old := dittofsadmission.Changed(attributes)
	if server == nil {
		return nil
	}
	fields := fieldsOf(&server.Spec)
	if apiequality.Semantic.DeepEqual(fields, fieldsOf(&dittofsv1alpha1.DittoServerSpec{})) ||
		old != nil && apiequality.Semantic.DeepEqual(fields, fieldsOf(&old.Spec)) {
		return nil
	}
	forbidden := p.standards.violations(fields)
	answer, err := p.check(ctx, attributes.GetNamespace(), podTemplate(&server.Spec))
	if err != nil && len(forbidden) == 0 {
		return dittofsadmission.Unavailable(attributes, "having the fields of the pod checked by the host cluster", err)
	}
	// What the host says of a field that is forbidden anyhow is about our defaults beside it.
	answer = slices.DeleteFunc(answer, func(said metav1.StatusCause) bool {
		return slices.ContainsFunc(forbidden, func(f metav1.StatusCause) bool { return f.Field == said.Field })
	})
	if err := dittofsadmission.InvalidByCauses(server, append(forbidden, answer...)); err != nil {
		return err
	}
	for _, text := range p.standards.warnings(fields) {
		warning.AddWarning(ctx, "", text)
	}
	return nil
}

// dryRun returns what the host says of the fields, under our paths.
func (p *Plugin) dryRun(ctx context.Context, namespace string, template *corev1.PodTemplate) ([]metav1.StatusCause, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_, err := p.client.CoreV1().PodTemplates(namespace).Create(ctx, template, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err == nil {
		return nil, nil
	}
	var status apierrors.APIStatus
	if !apierrors.IsInvalid(err) || !errors.As(err, &status) || status.Status().Details == nil || len(status.Status().Details.Causes) == 0 {
		return nil, fmt.Errorf("dry run of a PodTemplate: %w", err)
	}
	return ourCauses(status.Status().Details.Causes), nil
}
