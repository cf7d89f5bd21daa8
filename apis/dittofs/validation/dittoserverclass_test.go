// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func classOf(t *testing.T, spec string) *dittofsv1alpha1.DittoServerClass {
	t.Helper()
	c := &dittofsv1alpha1.DittoServerClass{}
	c.Name = "small"
	if err := yaml.UnmarshalStrict([]byte(spec), &c.Spec); err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	testScheme(t).Default(c)
	return c
}

// errorsOf runs the rules in tags and those in Go, as the API server does.
func errorsOf(t *testing.T, c *dittofsv1alpha1.DittoServerClass) field.ErrorList {
	t.Helper()
	return append(testScheme(t).Validate(t.Context(), nil, c), ValidateDittoServerClass(c)...)
}

func TestEveryRuleOfAClassAcceptsAndRefuses(t *testing.T) {
	for _, row := range []struct{ accepted, refused, at, message string }{
		{`{description: a}`, `{description: "` + strings.Repeat("a", 4097) + `"}`, "spec.description", "may not be more than 4096"},
		{`{reserved: [image, percona.backup]}`, `{reserved: [images]}`, "spec.reserved[0]", "must be the path of a field of the spec"},
		{`{reserved: [rollout]}`, `{reserved: [className]}`, "spec.reserved[0]", "nobody can change the class"},
		{`{reserved: [rollout]}`, `{reserved: [rollout, rollout]}`, "spec.reserved[1]", "Duplicate value"},
		{`{access: {credentials: {maxDuration: 1m}}}`, `{access: {credentials: {maxDuration: 16m}}}`, "spec.access.credentials.maxDuration", "must be a Go duration of 1m to 15m"},
		{`{access: {credentials: {maxRole: admin}}}`, `{access: {credentials: {maxRole: user}}}`, "spec.access.credentials.maxRole", `supported values: "admin", "operator"`},
		{`{limits: {images: {digestOnly: true}}}`, `{limits: {images: {allowed: []}}}`, "spec.limits.images.allowed", "must name at least one"},
		{`{limits: {storageClasses: {allowed: ["fast-*"]}}}`, `{limits: {storageClasses: {allowed: [""]}}}`, "spec.limits.storageClasses.allowed[0]", "must be a value without spaces"},
		{`{limits: {databases: {allowed: [sqlite]}}}`, `{limits: {databases: {allowed: [mysql]}}}`, "spec.limits.databases.allowed[0]", `supported values: "sqlite", "postgres", "percona", "*"`},
		{`{limits: {services: {types: {allowed: [ClusterIP, LoadBalancer]}}}}`, `{limits: {services: {types: {allowed: [ExternalName]}}}}`, "spec.limits.services.types.allowed[0]", `supported values: "ClusterIP"`},
		{`{limits: {extraVolumes: {allowed: [configMap]}}}`, `{limits: {extraVolumes: {allowed: [hostPath]}}}`, "spec.limits.extraVolumes.allowed[0]", `supported values: "configMap"`},
		{`{limits: {services: {sourceRanges: {allowed: [10.0.0.0/8]}}}}`, `{limits: {services: {sourceRanges: {allowed: [10.0.0.1]}}}}`, "spec.limits.services.sourceRanges.allowed[0]", "must be a valid CIDR value"},
		{`{limits: {networkPolicy: {networks: {allowed: ["fd00::/8"]}}}}`, `{limits: {networkPolicy: {networks: {allowed: [x]}}}}`, "spec.limits.networkPolicy.networks.allowed[0]", "must be a valid CIDR value"},
		{`{limits: {storage: {maxVolumeSize: 1Gi}}}`, `{limits: {storage: {maxVolumeSize: "0"}}}`, "spec.limits.storage.maxVolumeSize", "must be greater than zero"},
		{`{limits: {storage: {maxNamespaceSize: 1e999999999}}}`, `{limits: {storage: {maxNamespaceSize: "-1"}}}`, "spec.limits.storage.maxNamespaceSize", "must be greater than zero"},
		{`{limits: {serversPerNamespace: 0}}`, `{limits: {serversPerNamespace: -1}}`, "spec.limits.serversPerNamespace", "must be greater than or equal to 0"},
		{`{limits: {resources: {max: {cpu: "1"}}}}`, `{limits: {resources: {max: {cpu: "-1"}}}}`, "spec.limits.resources.max[cpu]", "must not be negative"},
		{`{limits: {securityContexts: Forbidden}}`, `{limits: {securityContexts: "No"}}`, "spec.limits.securityContexts", `supported values: "Allowed", "Forbidden"`},
		{`{limits: {scheduling: {nodeSelector: {allowed: ["a=*"]}, requiredNodeSelector: {a: b}}}, defaults: {nodeSelector: {a: b}}}`, `{limits: {scheduling: {nodeSelector: {allowed: ["a=c"]}, requiredNodeSelector: {a: b}}}}`, "spec.limits.scheduling.requiredNodeSelector", "is not among what scheduling.nodeSelector allows"},
		{`{defaults: {image: "a:1"}}`, `{defaults: {image: "a b"}}`, "spec.defaults.image", "must be an image reference without spaces"},
		{`{defaults: {imagePullPolicy: Always}}`, `{defaults: {imagePullPolicy: always}}`, "spec.defaults.imagePullPolicy", "supported values"},
		{`{defaults: {storageClassName: fast}}`, `{defaults: {storageClassName: Fast}}`, "spec.defaults.storageClassName", "RFC 1123 subdomain"},
		{`{defaults: {rollout: OnRequest}}`, `{defaults: {rollout: Sometimes}}`, "spec.defaults.rollout", "supported values"},
		{`{defaults: {adapterServices: {type: NodePort}}}`, `{defaults: {adapterServices: {type: ExternalName}}}`, "spec.defaults.adapterServices.type", "supported values"},
		{`{defaults: {service: {loadBalancerSourceRanges: [10.0.0.0/8]}}}`, `{defaults: {service: {loadBalancerSourceRanges: [x]}}}`, "spec.defaults.service.loadBalancerSourceRanges[0]", "must be a valid CIDR value"},
		{`{defaults: {database: {kind: postgres, postgresSecretName: pg}}}`, `{defaults: {database: {kind: postgres}}}`, "spec.defaults.database.postgresSecretName", "kind postgres needs the name"},
		{`{defaults: {database: {percona: {storageSize: 1Gi}}}}`, `{defaults: {database: {percona: {storageSize: "0"}}}}`, "spec.defaults.database.percona.storageSize", "must be greater than zero"},
		{`{defaults: {image: "a/b:1"}, limits: {images: {allowed: ["a/*"]}}}`, `{defaults: {image: "c/b:1"}, limits: {images: {allowed: ["a/*", "marmos91c/*"]}}}`, "spec.defaults.image", "goes beyond the limits of the class itself, which allows images like a/*"},
		{`{defaults: {database: {kind: percona}}, limits: {databases: {allowed: [percona]}}}`, `{defaults: {database: {kind: percona}}, limits: {databases: {allowed: [sqlite]}}}`, "spec.defaults.database.kind", "goes beyond the limits"},
	} {
		t.Run(row.at+"/"+row.message, func(t *testing.T) {
			if errs := errorsOf(t, classOf(t, row.accepted)); len(errs) > 0 {
				t.Errorf("what should be accepted is refused: %v", errs)
			}
			errs := errorsOf(t, classOf(t, row.refused))
			if len(errs) != 1 || errs[0].Field != row.at || !strings.Contains(errs[0].Error(), row.message) {
				t.Errorf("got %v, want one at %s: %s", errs, row.at, row.message)
			}
		})
	}
}

func TestAChangeOfAClassIsHeldToWhatItChanges(t *testing.T) {
	wrong, other := classOf(t, `{reserved: [images]}`), classOf(t, `{reserved: [images], description: a}`)
	if errs := ValidateDittoServerClassUpdate(other, wrong); len(errs) > 0 {
		t.Errorf("what was stored stands in the way: %v", errs)
	}
	if errs := ValidateDittoServerClassUpdate(wrong, classOf(t, `{}`)); len(errs) != 1 {
		t.Errorf("got %v", errs)
	}
	marked := classOf(t, `{}`)
	marked.Annotations = map[string]string{dittofsv1alpha1.AnnotationDefaultClass: "yes"}
	if errs := ValidateDittoServerClassUpdate(marked, classOf(t, `{}`)); len(errs) != 1 {
		t.Errorf("got %v", errs)
	}
}

func TestAClassIsWarnedOfServersThatItWouldRefuse(t *testing.T) {
	for spec, want := range map[string]string{
		`{}`: "",
		`{limits: {services: {types: {allowed: [ClusterIP]}}}}`:                                                          "a server that leaves spec.adapterServices.type out has LoadBalancer there, and the class allows ClusterIP",
		`{defaults: {adapterServices: {type: ClusterIP}}, limits: {services: {types: {allowed: [ClusterIP]}}}}`:          "",
		`{limits: {images: {allowed: ["registry.example.com/*"]}}, defaults: {image: "registry.example.com/dittofs:1"}}`: "",
	} {
		got := strings.Join(ClassWarnings(classOf(t, spec)), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q", spec, got)
		}
	}
}
