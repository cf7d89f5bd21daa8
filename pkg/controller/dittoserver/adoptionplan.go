// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"
	"slices"
	"strings"

	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// migrationPage is where the way from the DittoFS operator to us is described.
const migrationPage = "docs/migration.md"

// howToLetGo says what has to happen before anything of the DittoFS operator can be taken over.
func (p *pass) howToLetGo(held []string) string {
	theirs := fmt.Sprintf("dittoservers.%s %s -n %s", apply.UpstreamGroup, p.key.Name, p.key.Namespace)
	return fmt.Sprintf("The DittoFS operator still holds these objects, by an ownerReference to its DittoServer: %s. Nothing is touched before it has let go. "+
		"(a) Scale its Deployment to 0, and stop what applies its manifests. "+
		"(b) Save its object (kubectl get %s -o yaml) and delete it so that its parts stay: kubectl delete %s --cascade=orphan --wait=false. "+
		"(c) When this list is empty, let the object go: kubectl patch %s --type=json -p '%s'. "+
		"If the object is gone already while the list is not, the garbage collector deletes these objects; the claims stay. See %s. Looked at every %s.",
		strings.Join(held, ", "), theirs, theirs, theirs, LetGoPatch, migrationPage, blockedRetry)
}

// LetGoPatch takes the finalizer of the DittoFS operator away. It is refused while the garbage collector has not taken the
// ownerReferences away: until then the object has the finalizer orphan too.
const LetGoPatch = `[{"op":"test","path":"/metadata/finalizers","value":["dittofs.dittofs.com/finalizer"]},{"op":"remove","path":"/metadata/finalizers"}]`

// adoptionPlan says what happens when the window is opened.
func (p *pass) adoptionPlan(start startState) (string, error) {
	in := render.Inputs{
		ConfigHash: start.configHash, PostgresKeys: start.postgresKeys, ContentClaimLater: p.contentLater,
		LiveClaimTemplates: p.set.Spec.VolumeClaimTemplates,
	}
	want, err := p.render(p.server, in)
	if err != nil {
		p.invalidSpec(err)
		return "", nil
	}
	adapters, known := p.adapters()
	network, err := render.Network(p.server, render.Inputs{Adapters: adapters, ControllerPeers: p.ControllerPeers})
	if err != nil {
		p.invalidSpec(err)
		return "", nil
	}
	wanted := []wish{
		{apply.StatefulSets(), *want.StatefulSet.Name, markAdopted(want.StatefulSet)},
		{apply.ConfigMaps(), *want.ConfigMap.Name, want.ConfigMap},
		{apply.Services(), *want.HeadlessService.Name, want.HeadlessService},
		{apply.Services(), *want.APIService.Name, want.APIService},
	}
	if network.MetricsService != nil {
		wanted = append(wanted, wish{apply.Services(), *network.MetricsService.Name, network.MetricsService})
	}
	for _, o := range named(network.AdapterServices) {
		wanted = append(wanted, wish{apply.Services(), o.name, o.want})
	}
	for _, o := range named(network.NetworkPolicies) {
		wanted = append(wanted, wish{apply.NetworkPolicies(), o.name, o.want})
	}
	if network.Ingress != nil {
		wanted = append(wanted, wish{apply.Ingresses(), *network.Ingress.Name, network.Ingress})
	}
	changes, err := p.preview(wanted, known)
	if err != nil {
		return "", err
	}
	if !known {
		changes = append(changes, "Services and NetworkPolicies of its adapters, which are not known yet")
	}
	return fmt.Sprintf("The server is adopted from the DittoFS operator and runs as that has left it: nothing but labels and the partition of its StatefulSet was changed. "+
		"Its window restarts the pod once and changes %s. To open it: kubectl annotate dittoservers.dittofs.io %s -n %s %s=%s.",
		strings.Join(changes, "; "), p.key.Name, p.key.Namespace, dittofsv1alpha1.AnnotationRollout, dittofsv1alpha1.RolloutNow), nil
}

// invalidSpec notes a spec that cannot be rendered, unless that was said already.
func (p *pass) invalidSpec(err error) {
	p.held = true
	if len(p.problems) == 0 {
		p.add(0, dittofsv1alpha1.ConditionConfigReady, reasonInvalidSpec, "The spec cannot be rendered: %s.", err)
	}
}

// wish is one object that the window makes.
type wish struct {
	kind apply.Kind
	name string
	want any
}

// preview names the fields of each object that the window changes.
func (p *pass) preview(wanted []wish, adaptersKnown bool) (changes []string, err error) {
	stays := map[string]bool{}
	for _, w := range wanted {
		i := slices.IndexFunc(p.found, func(l leftover) bool {
			return l.kind.GVK == w.kind.GVK && l.obj.GetName() == w.name
		})
		what := w.kind.GVK.Kind + " " + w.name
		stays[what] = true
		if i < 0 {
			changes = append(changes, what+" (new)")
			continue
		}
		paths, err := apply.Preview(w.kind, p.found[i].obj, w.want)
		if err != nil {
			return nil, err
		}
		if len(paths) > 0 {
			changes = append(changes, fmt.Sprintf("%s (%s)", what, strings.Join(paths, ", ")))
		}
	}
	for _, l := range p.found {
		kind := l.kind.GVK.Kind
		ours := (kind == "Service" || kind == "NetworkPolicy") && p.leftBehind(l.obj)
		if ours && !stays[l.String()] && (adaptersKnown || !p.ofAdapter(l.obj.GetName())) {
			changes = append(changes, l.String()+" (removed)")
		}
	}
	return changes, nil
}

// markAdopted keeps the mark on the StatefulSet.
func markAdopted(set *appsv1ac.StatefulSetApplyConfiguration) *appsv1ac.StatefulSetApplyConfiguration {
	return set.WithAnnotations(map[string]string{annotationAdopted: "true"})
}
