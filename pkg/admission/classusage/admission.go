// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package classusage refuses a DittoServer for which its class leaves no room in
// the namespace: servers and storage are counted over all servers of the class
// there, and exactly, however many replicas admit at once. It reads classes and
// servers, and keeps records of its own, which end by themselves: in our etcd if
// replicas share it, else in memory.
package classusage

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/warning"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/class"
	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// PluginName is the name for --enable-admission-plugins and --disable-admission-plugins.
const PluginName = "DittoServerClassUsage"

const (
	// timeout bounds what one request does in our own store.
	timeout = 10 * time.Second
	// requestTimeout is the longest that a request without a deadline may take.
	requestTimeout = time.Minute
	// clockSkew is how far the clocks of two replicas may be apart.
	clockSkew = 5 * time.Second
)

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New(), nil })
}

// Plugin fails closed. It comes after the other plugins, so that it keeps no place
// for what they refuse.
type Plugin struct {
	*admission.Handler
	authorizer authorizer.Authorizer
	classes    dittofsadmission.Classes
	ledger     ledger
}

// New returns the plugin, to be completed by the initializers.
func New() *Plugin {
	return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update), ledger: ledger{now: time.Now}}
}

var (
	_ admission.ValidationInterface      = &Plugin{}
	_ initializer.WantsAuthorizer        = &Plugin{}
	_ dittofsadmission.WantsClasses      = &Plugin{}
	_ dittofsadmission.WantsClassServers = &Plugin{}
	_ dittofsadmission.WantsEtcd         = &Plugin{}
)

// SetAuthorizer takes the authorizer of the server, which asks the host cluster.
func (p *Plugin) SetAuthorizer(a authorizer.Authorizer) { p.authorizer = a }

// SetClasses takes the classes of our own store.
func (p *Plugin) SetClasses(classes dittofsadmission.Classes) { p.classes = classes }

// SetClassServers takes the servers of our own store.
func (p *Plugin) SetClassServers(servers dittofsadmission.ClassServers) { p.ledger.servers = servers }

// SetEtcd takes our own etcd. Where nobody shares it, nobody else has to see the
// records, and a create does not have to wait for the disk once more.
func (p *Plugin) SetEtcd(client *clientv3.Client, prefix string, isShared bool) {
	if !isShared {
		p.ledger.records = newMemory(p.ledger.now)
		return
	}
	p.ledger.records = &shared{client: client, prefix: prefix + "classusage/", now: p.ledger.now, kept: kept}
}

// ValidateInitialization fails when an initializer was left out.
func (p *Plugin) ValidateInitialization() error {
	if p.authorizer == nil || p.classes == nil || p.ledger.servers == nil || p.ledger.records == nil {
		return fmt.Errorf("%s needs an authorizer, the classes, the servers and etcd", PluginName)
	}
	return nil
}

// Validate takes a place for a new server, and for a server that grows.
func (p *Plugin) Validate(ctx context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	server, old := dittofsadmission.Changed(attributes)
	if server == nil || !server.Spec.HasClass() {
		return nil
	}
	storage := class.StorageOf(&server.Spec)
	if old != nil && storage.Cmp(class.StorageOf(&old.Spec)) <= 0 {
		return nil
	}
	lookup, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	found, err := p.classes.Get(lookup, *server.Spec.ClassName)
	if err != nil {
		return dittofsadmission.Unavailable(attributes, "looking for the DittoServerClass", err)
	}
	if found == nil {
		return nil // refused before
	}
	within := bounds{servers: found.Spec.Limits.ServersPerNamespace, storage: found.Spec.Limits.Storage.MaxNamespaceSize}
	if old != nil {
		within.servers = nil
	}
	if within.servers == nil && within.storage == nil {
		return nil
	}
	asked := claim{
		class: found.Name, uid: found.UID, generation: found.Generation,
		namespace: attributes.GetNamespace(), server: server.Name, created: old == nil, storage: storage,
		until: p.endOf(ctx), dry: attributes.IsDryRun(),
	}
	over, err := p.ledger.reserve(lookup, asked, within)
	if err != nil {
		return dittofsadmission.Unavailable(attributes, "counting what the namespace has of the DittoServerClass", err)
	}
	if over == nil {
		return nil
	}
	return p.override(ctx, attributes, found, asked, within, over)
}

// endOf is when the request has ended everywhere.
func (p *Plugin) endOf(ctx context.Context) time.Time {
	end, ok := ctx.Deadline()
	if !ok {
		end = p.ledger.now().Add(requestTimeout)
	}
	return end.Add(clockSkew)
}

// override lets those pass who may go beyond the limits, and counts them too.
func (p *Plugin) override(ctx context.Context, attributes admission.Attributes, found *dittofsv1alpha1.DittoServerClass, asked claim, within bounds, over *excess) error {
	text := describe(found.Name, asked, within, over)
	allowed, err := dittofsadmission.HasRight(ctx, p.authorizer, attributes, dittofsadmission.ClassRight(dittofsv1alpha1.VerbOverride, found.Name))
	switch {
	case err != nil:
		return err
	case !allowed:
		return admission.NewForbidden(attributes, fmt.Errorf(
			"%s; delete what is not needed, or ask somebody with the verb override on the class", text))
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	asked.forced = true
	if _, err := p.ledger.reserve(ctx, asked, within); err != nil {
		return dittofsadmission.Unavailable(attributes, "counting what the namespace has of the DittoServerClass", err)
	}
	warning.AddWarning(ctx, "", text+"; you have the verb override on it")
	return nil
}

func describe(name string, asked claim, within bounds, over *excess) string {
	if over.storage != nil {
		return fmt.Sprintf("the class %q allows %s for all servers of a namespace, and with the %s of this one %s would have more: its others have %s",
			name, within.storage, &asked.storage, asked.namespace, over.storage)
	}
	return fmt.Sprintf("the class %q allows %d servers in a namespace, and %s has %d: %s",
		name, *within.servers, asked.namespace, len(over.servers), named(over.servers))
}

// maxNames is how many servers a message names.
const maxNames = 10

func named(servers []string) string {
	if len(servers) == 0 {
		return "none"
	}
	if more := len(servers) - maxNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(servers[:maxNames], ", "), more)
	}
	return strings.Join(servers, ", ")
}
