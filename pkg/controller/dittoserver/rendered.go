// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Annotations on the StatefulSet, and not on its pod template, that say what the template was rendered from.
const (
	// annotationRenderedTemplate is a digest of the pod template as it was rendered.
	annotationRenderedTemplate = "dittofs.io/rendered-template"
	// annotationRenderedFrom is UID/GENERATION/SPEC/SECRETS: the DittoServer, a digest of the part of its spec that
	// reaches the pod, and a keyed one of the Secrets that do, with a mark for a content volume that came later.
	annotationRenderedFrom = "dittofs.io/rendered-from"
)

// rendered tells one rendering from another, and what it was made from.
type rendered struct {
	template string
	server   string // UID/GENERATION
	spec     string
	secrets  string
}

// rendered describes a rendering. The template has no secret in it, so that a bare digest gives nothing away.
func (p *pass) rendered(want *appsv1ac.StatefulSetApplyConfiguration, start startState) (rendered, error) {
	text, err := json.Marshal(want.Spec.Template)
	if err != nil {
		return rendered{}, fmt.Errorf("encode the pod template: %w", err)
	}
	return rendered{
		template: digest(text),
		server:   fmt.Sprintf("%s/%d", p.server.UID, p.server.Generation),
		spec:     start.spec,
		secrets:  start.secrets + p.contentMark(),
	}, nil
}

// contentMark tells renderings with a content volume that came later from those without: neither the spec nor its
// generation changes when the volume is let in.
func (p *pass) contentMark() string {
	if p.contentLater {
		return "+content"
	}
	return ""
}

// digest is short: it has to differ by chance only, nobody gains anything from a collision.
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}

// renderedOf reads what a StatefulSet says of itself.
func renderedOf(set *appsv1.StatefulSet) rendered {
	out := rendered{template: set.Annotations[annotationRenderedTemplate]}
	if parts := strings.Split(set.Annotations[annotationRenderedFrom], "/"); len(parts) == 4 {
		out.server, out.spec, out.secrets = parts[0]+"/"+parts[1], parts[2], parts[3]
	}
	return out
}

// newerThan says that a rendering was made from a later generation of the DittoServer.
func (r rendered) newerThan(server *dittofsv1alpha1.DittoServer) bool {
	uid, text, ok := strings.Cut(r.server, "/")
	generation, err := strconv.ParseInt(text, 10, 64)
	return ok && err == nil && uid == string(server.UID) && generation > server.Generation
}

// sameInputs says that two renderings were made from the same. Of the spec either sign is enough: the digest changes when
// a release learns new fields or defaults, the generation with every edit, the UID with the loss of our store.
func (r rendered) sameInputs(other rendered) bool {
	return r.server != "" && r.secrets == other.secrets && (r.spec == other.spec || r.server == other.server)
}

// written puts the description on the StatefulSet that is to be applied.
func (r rendered) written(set *appsv1ac.StatefulSetApplyConfiguration) *appsv1ac.StatefulSetApplyConfiguration {
	if r.template == "" || r.server == "" {
		return set
	}
	return set.WithAnnotations(map[string]string{
		annotationRenderedTemplate: r.template,
		annotationRenderedFrom:     strings.Join([]string{r.server, r.spec, r.secrets}, "/"),
	})
}

// podInputs is the part of a spec that reaches the pod or its configuration. What stays in although it does not makes an
// edit of it carry out what a new release holds back; what is taken out although it does would be held back itself.
func podInputs(server *dittofsv1alpha1.DittoServer) ([]byte, error) {
	spec := server.Spec.DeepCopy()
	spec.Paused, spec.Rollout, spec.Replicas, spec.SnapshotPolicies = false, "", nil, nil
	spec.DeletionPolicy = dittofsv1alpha1.DeletionPolicy{}
	spec.ClassName = nil
	spec.Service = dittofsv1alpha1.ServiceSpec{}
	spec.AdapterDiscovery = dittofsv1alpha1.AdapterDiscoverySpec{}
	spec.AdapterServices = dittofsv1alpha1.AdapterServicesSpec{}
	spec.NetworkPolicy = dittofsv1alpha1.NetworkPolicySpec{}
	spec.ControlPlane.Ingress = nil
	spec.Percona = perconaPodInputs(spec.Percona)
	spec.Storage.WhenScaled = ""
	if spec.Metrics != nil {
		spec.Metrics.ServiceMonitor = nil
	}
	if !spec.Storage.Ephemeral {
		// Claims grow without the pod; that there is one is what it notices.
		for _, size := range []*resource.Quantity{
			spec.Storage.MetadataSize, spec.Storage.ContentSize, spec.Storage.ControlPlaneSize, spec.Storage.CacheSize,
		} {
			if size != nil {
				*size = resource.Quantity{}
			}
		}
	}
	text, err := json.Marshal(map[string]any{"spec": spec})
	if err != nil {
		return nil, fmt.Errorf("encode the spec: %w", err)
	}
	return text, nil
}
