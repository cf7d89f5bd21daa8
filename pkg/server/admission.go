// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	mutatingadmissionpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/admission/plugin/resourcequota"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/discovery"
	"k8s.io/klog/v2"

	"github.com/dittofs/dittofs-apiserver/pkg/admission/classusage"
	"github.com/dittofs/dittofs-apiserver/pkg/admission/credentials"
	"github.com/dittofs/dittofs-apiserver/pkg/admission/namespacestamp"
	"github.com/dittofs/dittofs-apiserver/pkg/admission/perconaserved"
	"github.com/dittofs/dittofs-apiserver/pkg/admission/podfields"
	"github.com/dittofs/dittofs-apiserver/pkg/admission/secretaccess"
	"github.com/dittofs/dittofs-apiserver/pkg/admission/serverclass"
	"github.com/dittofs/dittofs-apiserver/pkg/admission/storageclass"
)

// newAdmissionOptions is the chain: ours first, so that policies and webhooks
// see the defaults, then those of the library, and what counts last, so that
// nothing is charged for a request that another plugin refuses. Of ours, those that ask
// about the requester go before those that look for what the host cluster has.
func newAdmissionOptions() *genericoptions.AdmissionOptions {
	options := genericoptions.NewAdmissionOptions()
	namespacestamp.Register(options.Plugins)
	serverclass.Register(options.Plugins)
	credentials.Register(options.Plugins)
	secretaccess.Register(options.Plugins)
	perconaserved.Register(options.Plugins)
	storageclass.Register(options.Plugins)
	podfields.Register(options.Plugins)
	classusage.Register(options.Plugins)
	resourcequota.Register(options.Plugins)
	library := options.RecommendedPluginOrder
	options.RecommendedPluginOrder = slices.Concat(
		// The lifecycle plugin refuses objects of a namespace that does not exist, before we look it up.
		library[:1],
		[]string{
			namespacestamp.PluginName, serverclass.PluginName, credentials.PluginName, secretaccess.PluginName,
			perconaserved.PluginName, storageclass.PluginName, podfields.PluginName,
		},
		library[1:],
		[]string{classusage.PluginName, resourcequota.PluginName})
	return options
}

// servesMutatingPolicies asks the host whether it has the kind that the plugin
// MutatingAdmissionPolicy watches. Hosts up to 1.35 do not, and with the plugin
// on, every write would be refused there after ten seconds of waiting.
func servesMutatingPolicies(client discovery.DiscoveryInterface) (bool, error) {
	resources, err := client.ServerResourcesForGroupVersion("admissionregistration.k8s.io/v1")
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask the host cluster which admission policies it serves: %w", err)
	}
	return slices.ContainsFunc(resources.APIResources, func(r metav1.APIResource) bool {
		return r.Name == "mutatingadmissionpolicies"
	}), nil
}

// leaveOutMutatingPolicies adapts the chain to a host that lacks the kind. It
// reports whether the plugin was left out; an explicit wish for it is an error.
func leaveOutMutatingPolicies(options *genericoptions.AdmissionOptions, served bool) (bool, error) {
	name := mutatingadmissionpolicy.PluginName
	switch {
	case served, slices.Contains(options.DisablePlugins, name):
		pluginLeftOut.WithLabelValues(name).Set(0)
		return false, nil
	case slices.Contains(options.EnablePlugins, name):
		return false, fmt.Errorf("--enable-admission-plugins=%s: the host cluster does not serve mutatingadmissionpolicies.admissionregistration.k8s.io/v1 (Kubernetes 1.36 and later do)", strings.Join(options.EnablePlugins, ","))
	}
	options.DisablePlugins = append(options.DisablePlugins, name)
	pluginLeftOut.WithLabelValues(name).Set(1)
	klog.InfoS("The host cluster does not serve MutatingAdmissionPolicy, the admission plugin is left out", "lookingAgainEvery", policyLookInterval)
	return true, nil
}
