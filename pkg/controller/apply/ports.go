// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// repairManager owns the ports of a Service for the moment between the two patches of repairPorts.
const repairManager = dittofsv1alpha1.FieldManager + "-repair"

// repairPorts puts back the number of a port that somebody changed by hand. Apply cannot: ports are told apart by number
// and protocol, so it would add ours beside the changed one, under the same name, and the API refuses two of a name.
// The ownership that a patch leaves behind is handed to our field manager, or a later change of the port would meet it.
func (a *Applier) repairPorts(ctx context.Context, req Request, want fields) error {
	wanted, service := &corev1.Service{}, &corev1.Service{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(want.sent, wanted); err != nil {
		return fmt.Errorf("decode the wanted Service %s: %w", req.Name, err)
	}
	// The cache keeps our entry of the managed fields only.
	if err := a.Live.Get(ctx, types.NamespacedName{Namespace: req.Server.Namespace, Name: req.Name}, service); err != nil {
		return fmt.Errorf("look up Service %s: %w", req.Name, err)
	}
	ports, changed := renumbered(service.Spec.Ports, wanted.Spec.Ports)
	if !changed {
		return nil
	}
	patch, err := json.Marshal([]map[string]any{
		{"op": "test", "path": "/metadata/resourceVersion", "value": service.ResourceVersion},
		{"op": "replace", "path": "/spec/ports", "value": ports},
	})
	if err != nil {
		return fmt.Errorf("encode the ports of Service %s: %w", req.Name, err)
	}
	if err := a.Writer.Patch(ctx, service, client.RawPatch(types.JSONPatchType, patch), client.FieldOwner(repairManager)); err != nil {
		return fmt.Errorf("put the ports of Service %s back: %w", req.Name, err)
	}
	if patch, err = csaupgrade.UpgradeManagedFieldsPatch(service, sets.New(repairManager), dittofsv1alpha1.FieldManager); err != nil || len(patch) == 0 {
		return err
	}
	if err := a.Writer.Patch(ctx, service, client.RawPatch(types.JSONPatchType, patch)); err != nil {
		return fmt.Errorf("take over the ports of Service %s: %w", req.Name, err)
	}
	return nil
}

// renumbered returns the live ports with the numbers that the wanted ones of the same name have.
func renumbered(live, wanted []corev1.ServicePort) ([]corev1.ServicePort, bool) {
	named := make(map[string]corev1.ServicePort, len(wanted))
	for _, port := range wanted {
		named[port.Name] = port
	}
	changed := false
	ports := make([]corev1.ServicePort, 0, len(live))
	for _, port := range live {
		want, ok := named[port.Name]
		if ok && want.Protocol == "" {
			want.Protocol = corev1.ProtocolTCP
		}
		if ok && (want.Port != port.Port || want.Protocol != port.Protocol) {
			port.Port, port.Protocol, port.TargetPort = want.Port, want.Protocol, want.TargetPort
			changed = true
		}
		ports = append(ports, port)
	}
	return ports, changed
}
