// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package class

import (
	"testing"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/yaml"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func decode[T any](t *testing.T, text string) *T {
	t.Helper()
	value := new(T)
	if err := yaml.UnmarshalStrict([]byte(text), value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func TestDefaultsFillWhatTheAuthorLeftOut(t *testing.T) {
	for name, c := range map[string]struct{ defaults, spec, want string }{
		"single fields": {
			`{image: "a:1", imagePullPolicy: Always, rollout: OnRequest, priorityClassName: low, logging: {level: WARN, format: text}, networkPolicy: {enabled: false}}`,
			`{logging: {format: json}}`,
			`{image: "a:1", imagePullPolicy: Always, rollout: OnRequest, priorityClassName: low, logging: {level: WARN, format: json}, networkPolicy: {enabled: false}}`,
		},
		"what is set stays": {
			`{image: "a:1", rollout: OnRequest, storageClassName: fast, networkPolicy: {enabled: false}, resources: {limits: {cpu: "1"}}}`,
			`{image: "b:2", rollout: Automatic, storage: {storageClassName: ""}, networkPolicy: {enabled: true}, resources: {limits: {memory: 1Gi}}}`,
			`{image: "b:2", rollout: Automatic, storage: {storageClassName: ""}, networkPolicy: {enabled: true}, resources: {limits: {memory: 1Gi}}}`,
		},
		"maps are filled by key, lists as a whole": {
			`{nodeSelector: {pool: files, zone: a}, tolerations: [{key: files}], imagePullSecrets: [{name: pull}]}`,
			`{nodeSelector: {zone: b}, tolerations: [{key: mine}]}`,
			`{nodeSelector: {pool: files, zone: b}, tolerations: [{key: mine}], imagePullSecrets: [{name: pull}]}`,
		},
		"an empty list or map is an answer": {
			`{nodeSelector: {pool: files}, tolerations: [{key: files}]}`,
			`{nodeSelector: {}, tolerations: []}`,
			`{nodeSelector: {}, tolerations: []}`,
		},
		"ephemeral storage has no class": {
			`{storageClassName: fast}`, `{storage: {ephemeral: true}}`, `{storage: {ephemeral: true}}`,
		},
		"what is for load balancers goes to load balancers": {
			`{service: {loadBalancerSourceRanges: [10.0.0.0/8], externalTrafficPolicy: Local, annotations: {a: b}}, adapterServices: {loadBalancerSourceRanges: [10.0.0.0/8], externalTrafficPolicy: Local}}`,
			`{}`,
			`{service: {annotations: {a: b}}, adapterServices: {loadBalancerSourceRanges: [10.0.0.0/8], externalTrafficPolicy: Local}}`,
		},
		"a default type counts for that": {
			`{service: {type: LoadBalancer, loadBalancerClass: x/y}, adapterServices: {type: NodePort, loadBalancerClass: x/y, externalTrafficPolicy: Local}}`,
			`{}`,
			`{service: {type: LoadBalancer, loadBalancerClass: x/y}, adapterServices: {type: NodePort, externalTrafficPolicy: Local}}`,
		},
		"percona for who chose no database": {
			`{storageClassName: fast, database: {kind: percona, percona: {replicas: 3, storageSize: 20Gi, images: {postgres: "p:1"}}}}`,
			`{percona: {images: {pgBackRest: "b:1"}}}`,
			`{storage: {storageClassName: fast}, percona: {enabled: true, replicas: 3, storageSize: 20Gi, storageClassName: fast, images: {postgres: "p:1", pgBackRest: "b:1"}}}`,
		},
		"nothing of percona for who chose sqlite": {
			`{database: {kind: percona, percona: {replicas: 3}}}`, `{database: {type: sqlite}}`, `{database: {type: sqlite}}`,
		},
		"nothing of percona for an existing cluster": {
			`{database: {percona: {replicas: 3}}}`, `{percona: {enabled: true, existingClusterRef: {name: pg}}}`, `{percona: {enabled: true, existingClusterRef: {name: pg}}}`,
		},
		"postgres": {
			`{database: {kind: postgres, postgresSecretName: pg}}`, `{}`, `{database: {type: postgres, postgresSecretRef: {name: pg}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			defaults := decode[dittofsv1alpha1.ClassDefaults](t, c.defaults)
			untouched := defaults.DeepCopy()
			spec := decode[dittofsv1alpha1.DittoServerSpec](t, c.spec)
			want := decode[dittofsv1alpha1.DittoServerSpec](t, c.want)
			for range 2 {
				ApplyDefaults(spec, defaults)
				if !apiequality.Semantic.DeepEqual(spec, want) {
					got, _ := yaml.Marshal(spec)
					t.Fatalf("got %s", got)
				}
			}
			if !apiequality.Semantic.DeepEqual(defaults, untouched) {
				t.Error("the class has changed")
			}
		})
	}
}

func TestReservedFieldsAreThoseThatTheAuthorDecides(t *testing.T) {
	class := decode[dittofsv1alpha1.DittoServerClassSpec](t, `{reserved: [image, networkPolicy, percona.backup, service.type], defaults: {image: "a:1"}}`)
	for name, c := range map[string]struct{ spec, old, want string }{
		"nothing said":               {`{}`, "", ""},
		"the default itself":         {`{image: "a:1", service: {type: ClusterIP}, networkPolicy: {enabled: true}}`, "", ""},
		"another image":              {`{image: "b:1"}`, "", "spec.image"},
		"a part of a reserved field": {`{networkPolicy: {apiSources: [{podSelector: {}}]}}`, "", "spec.networkPolicy"},
		"a field that is not there":  {`{percona: {enabled: true, backup: {bucket: b}}}`, "", "spec.percona.backup"},
		"a later change":             {`{image: "b:1"}`, `{image: "a:1"}`, "spec.image"},
		"taken away later":           {`{percona: {enabled: true}}`, `{percona: {enabled: true, backup: {bucket: b}}}`, "spec.percona.backup"},
		"as an admin left it":        {`{image: "b:1", paused: true}`, `{image: "b:1"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			complete := func(text string) *dittofsv1alpha1.DittoServerSpec {
				server := &dittofsv1alpha1.DittoServer{Spec: *decode[dittofsv1alpha1.DittoServerSpec](t, text)}
				ApplyDefaults(&server.Spec, &class.Defaults)
				dittofsv1alpha1.CompleteDefaults(server, nil)
				return &server.Spec
			}
			var old *dittofsv1alpha1.DittoServerSpec
			if c.old != "" {
				old = complete(c.old)
			}
			got, err := ReservedChanges(complete(c.spec), old, class)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case c.want == "" && len(got) > 0:
				t.Errorf("got %v", got)
			case c.want != "" && (len(got) != 1 || got[0].Path.String() != c.want):
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

func TestPathsOfFields(t *testing.T) {
	for path, want := range map[string]bool{
		"image": true, "percona.backup": true, "service.annotations": true, "adapterServices.nfs.port": true, "resources.limits": true,
		"": false, "Image": false, "images": false, "percona.": false, "config.gc": false, "spec.image": false, "tolerations.key": false,
	} {
		if got := IsField(path); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
}
