// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
)

func nfs(port int32) dfsprobe.Adapter {
	return dfsprobe.Adapter{Type: "nfs", Enabled: true, Serving: true, Port: port}
}

func smb(port int32) dfsprobe.Adapter {
	return dfsprobe.Adapter{Type: "smb", Enabled: true, Serving: true, Port: port}
}

// adapters is what dfs answers from now on.
func (f *fixture) adapters(list ...dfsprobe.Adapter) {
	f.t.Helper()
	f.observe(func(seen *dfsprobe.Observation) { seen.AdaptersKnown, seen.Adapters = true, list })
}

func (f *fixture) observe(change func(*dfsprobe.Observation)) {
	f.t.Helper()
	seen, known := f.seen.Get(f.key)
	if !known {
		f.t.Fatal("nothing has been seen of the server yet")
	}
	change(&seen)
	f.seen.Put(f.key, seen)
}

// wantServices checks the Services of adapters, each as NAME PORT->TARGET/PROTOCOL ...
func (f *fixture) wantServices(want ...string) {
	f.t.Helper()
	list := &corev1.ServiceList{}
	f.do(f.admin.List(f.t.Context(), list, client.InNamespace(f.key.Namespace), client.HasLabels{"dittofs.io/adapter-service"}))
	var got []string
	for _, service := range list.Items {
		if service.DeletionTimestamp != nil {
			continue
		}
		text := service.Name
		for _, p := range service.Spec.Ports {
			text += fmt.Sprintf(" %d->%d/%s", p.Port, p.TargetPort.IntVal, p.Protocol)
		}
		got = append(got, text)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		f.t.Errorf("the Services of adapters are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const (
	nfsService = "files-adapter-nfs 12049->12049/TCP 2049->12049/TCP"
	smbService = "files-adapter-smb 1445->1445/TCP 445->1445/TCP"
)

func TestEachAdapterThatIsSwitchedOnHasAServiceWhereClientsLook(t *testing.T) {
	f := newFixture(t)
	f.up()
	f.wantServices(nfsService)
	f.adapters(nfs(12049), smb(1445))
	f.reconcile()
	f.wantServices(nfsService, smbService)
	for _, name := range []string{"files-adapter-nfs", "files-adapter-smb"} {
		service := get(f, &corev1.Service{}, name)
		if service.Spec.Type != corev1.ServiceTypeLoadBalancer || service.Spec.Selector[dittofsv1alpha1.LabelInstance] != "files" {
			t.Errorf("%s is %s and leads to %v", name, service.Spec.Type, service.Spec.Selector)
		}
	}
	generation := f.set().Generation
	portmapper := nfs(12049)
	portmapper.PortmapperPort = 10111
	f.adapters(portmapper, smb(1445))
	f.reconcile()
	f.wantServices(nfsService+" 111->10111/TCP", "files-adapter-nfs-udp 111->10111/UDP", smbService)
	if f.set().Generation != generation {
		t.Error("the pod is restarted for it")
	}
	f.host.take()
	f.reconcile()
	if writes := f.host.take(); len(writes) > 0 {
		t.Errorf("at rest it wrote %q", writes)
	}
}

func TestPortsOfAdaptersAreFollowed(t *testing.T) {
	f := newFixture(t)
	f.up()
	f.adapters(nfs(13049), smb(445))
	f.reconcile()
	f.wantServices("files-adapter-nfs 13049->13049/TCP 2049->13049/TCP", "files-adapter-smb 445->445/TCP")
	f.edit(func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.AdapterServices.NFS = &dittofsv1alpha1.AdapterServiceSpec{Port: ptr.To[int32](2050)}
	})
	f.reconcile()
	f.wantServices("files-adapter-nfs 13049->13049/TCP 2050->13049/TCP", "files-adapter-smb 445->445/TCP")
}

func TestServicesOfAdaptersAreNotMadeBeforeDFSHasAnswered(t *testing.T) {
	f := newFixture(t)
	f.reconcile()
	pod := f.runPod()
	f.reconcile()
	f.wantServices()
	f.healthy(pod)
	f.observe(func(seen *dfsprobe.Observation) { seen.AdaptersKnown = false })
	f.reconcile()
	f.wantServices()
	f.adapters(nfs(12049))
	f.reconcile()
	f.wantServices(nfsService)
}

// A load balancer that is taken away for a moment comes back with another address.
func TestOnlyAnAnswerTakesTheServiceOfAnAdapterAway(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(f *fixture)
		stays   bool
	}{
		"the last look failed": {func(f *fixture) {
			f.observe(func(seen *dfsprobe.Observation) { seen.AdaptersKnown, seen.Adapters = false, nil })
		}, true},
		"this process has not looked yet":       {func(f *fixture) { f.seen.Forget(f.key) }, true},
		"the answer was that of a former pod":   {func(f *fixture) { f.adapters(); f.observe(func(seen *dfsprobe.Observation) { seen.Pod = "former" }) }, true},
		"the pod is gone":                       {func(f *fixture) { f.adapters(); f.losePod() }, true},
		"it is switched on and does not serve":  {func(f *fixture) { a := nfs(12049); a.Serving = false; f.adapters(a) }, true},
		"it is switched off":                    {func(f *fixture) { a := nfs(12049); a.Enabled = false; f.adapters(a) }, false},
		"it is not in the list any more":        {func(f *fixture) { f.adapters() }, false},
		"it is another that is in the list now": {func(f *fixture) { f.adapters(dfsprobe.Adapter{Type: "none"}) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.up()
			f.reconcile()
			f.wantServices(nfsService)
			f.events.take()
			c.happens(f)
			f.reconcile()
			if c.stays {
				f.wantServices(nfsService)
				return
			}
			f.wantServices()
			get(f, &corev1.Service{}, "files-api")
			get(f, &corev1.Service{}, "files-headless")
			if events := f.events.take(); !hasPrefix(events, "Normal Removed Removed Service files-adapter-nfs") {
				t.Errorf("events were %q", events)
			}
		})
	}
}

func (f *fixture) losePod() {
	f.t.Helper()
	f.do(f.admin.Delete(f.t.Context(), get(f, &corev1.Pod{}, "files-0"), client.GracePeriodSeconds(0)))
}

func TestAServiceOfSomebodyElseUnderTheNameOfAnAdapterIsLeftAlone(t *testing.T) {
	f := newFixture(t)
	foreign := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.key.Namespace, Name: "files-adapter-nfs"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 1}}},
	}
	f.do(f.admin.Create(t.Context(), foreign))
	f.reconcile()
	f.healthy(f.runPod())
	f.adapters(nfs(12049), smb(1445))
	for range 2 {
		f.reconcile()
	}
	f.wantServices(smbService)
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonNameConflict, "files-adapter-nfs")
	f.adapters()
	f.reconcile()
	f.deleteServer("")
	f.losePod()
	f.reconcile()
	if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") {
		t.Error("the DittoServer is still there")
	}
	if now := get(f, &corev1.Service{}, "files-adapter-nfs"); now.ResourceVersion != foreign.ResourceVersion {
		t.Error("it was changed")
	}
}

func TestServicesOfAdaptersGoWithTheServerAndOfOthersStay(t *testing.T) {
	f := newFixture(t)
	f.up()
	f.reconcile()
	other := corev1ac.Service("other-adapter-nfs", f.key.Namespace).
		WithLabels(map[string]string{
			dittofsv1alpha1.LabelManagedBy: dittofsv1alpha1.ManagedBy, dittofsv1alpha1.LabelServer: "other", "dittofs.io/adapter-service": "true",
		}).
		WithSpec(corev1ac.ServiceSpec().WithPorts(corev1ac.ServicePort().WithPort(1)))
	f.do(f.admin.Apply(t.Context(), other, client.FieldOwner(dittofsv1alpha1.FieldManager)))
	f.deleteServer("")
	f.losePod()
	f.reconcile()
	f.wantServices("other-adapter-nfs 1->1/TCP")
}
