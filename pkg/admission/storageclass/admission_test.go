// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package storageclass

import (
	"errors"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

type edit = func(*dittofsv1alpha1.DittoServer)

func size(text string) *resource.Quantity { return ptr.To(resource.MustParse(text)) }

func server(edits ...edit) *dittofsv1alpha1.DittoServer {
	s := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Name: "files", Namespace: "team"}}
	s.Spec.Storage = dittofsv1alpha1.StorageSpec{MetadataSize: size("1Gi"), ControlPlaneSize: size("1Gi")}
	for _, edit := range edits {
		edit(s)
	}
	return s
}

func in(class string) edit {
	return func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.StorageClassName = &class }
}

func metadata(text string) edit {
	return func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.MetadataSize = size(text) }
}

func ephemeral(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.Ephemeral = true }
func content(s *dittofsv1alpha1.DittoServer)   { s.Spec.Storage.ContentSize = size("5Gi") }
func image(s *dittofsv1alpha1.DittoServer)     { s.Spec.Image = "dfs:v2" }

func scratch(name, class string) edit {
	return func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.ExtraVolumes = append(s.Spec.ExtraVolumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{
			VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: &class}},
		}}})
	}
}

func percona(class *string, text string) edit {
	return func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true, StorageSize: size(text), StorageClassName: class}
	}
}

func class(name string, grows bool, annotations ...string) *storagev1.StorageClass {
	c := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{}}}
	if grows {
		c.AllowVolumeExpansion = &grows
	}
	for _, annotation := range annotations {
		c.Annotations[annotation] = "true"
	}
	return c
}

func claim(name string, class *string, text string) *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "team"}}
	c.Spec.StorageClassName = class
	c.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(text)}
	return c
}

func attributes(s, old *dittofsv1alpha1.DittoServer) admission.Attributes {
	var oldObject runtime.Object
	operation := admission.Create
	if old != nil {
		oldObject, operation = old, admission.Update
	}
	return admission.NewAttributesRecord(s, oldObject, dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"), "team", "files",
		dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers"), "", operation, nil, false, nil)
}

type recorder struct{ texts []string }

func (r *recorder) AddWarning(_, text string) { r.texts = append(r.texts, text) }

// newPlugin has an informer that knows the classes which are there at its start.
func newPlugin(t *testing.T, objects ...runtime.Object) (*Plugin, *fake.Clientset) {
	t.Helper()
	client := fake.NewClientset(objects...)
	plugin := New()
	factory := informers.NewSharedInformerFactory(client, 0)
	plugin.SetExternalKubeClientSet(client)
	plugin.SetExternalKubeInformerFactory(factory)
	if err := plugin.ValidateInitialization(); err != nil {
		t.Fatal(err)
	}
	factory.Start(t.Context().Done())
	t.Cleanup(factory.Shutdown)
	factory.WaitForCacheSync(t.Context().Done())
	client.ClearActions()
	return plugin, client
}

func TestStorageClasses(t *testing.T) {
	standard, fixed, fast := class("standard", true, defaultClassAnnotation), class("fixed", false), class("fast", true)
	usual := []runtime.Object{standard, fixed, fast}
	for name, c := range map[string]struct {
		there       []runtime.Object
		server, old *dittofsv1alpha1.DittoServer
		refusals    []string
		warnings    []string
	}{
		"a class that is there":                            {there: usual, server: server(in("fast"))},
		"a class that is not there":                        {there: usual, server: server(in("fats")), refusals: []string{`spec.storage.storageClassName: Invalid value: "fats": there is no such StorageClass; existing are fast, fixed, standard`}},
		"no class, and none at all":                        {server: server(in("fast")), refusals: []string{"existing are none"}},
		"none named, and there is a default":               {there: usual, server: server()},
		"a default by the old annotation":                  {there: []runtime.Object{class("old", true, betaDefaultClassAnnotation)}, server: server()},
		"none named, and none is the default":              {there: usual[1:], server: server(), warnings: []string{"spec.storage.storageClassName: left out, and no StorageClass of the cluster is the default: the volumes wait for one; existing are fast, fixed"}},
		"the empty name asks for volumes that are there":   {server: server(in(""))},
		"volumes of the pod have no class":                 {server: server(ephemeral, in("gone"))},
		"PostgreSQL has a class of its own":                {there: usual, server: server(percona(ptr.To("gone"), "1Gi")), refusals: []string{`spec.percona.storageClassName: Invalid value: "gone"`}},
		"both are said at once":                            {there: usual, server: server(in("a"), percona(ptr.To("b"), "1Gi")), refusals: []string{`"a"`, `"b"`}},
		"a class that has gone stops no other edit":        {server: server(in("gone"), image), old: server(in("gone"))},
		"a volume that is added needs the class":           {there: usual, server: server(in("gone"), content), old: server(in("gone")), refusals: []string{"spec.storage.storageClassName"}},
		"a class that lets volumes grow":                   {there: usual, server: server(in("fast"), metadata("2Gi")), old: server(in("fast"))},
		"a class that does not":                            {there: usual, server: server(in("fixed"), metadata("2Gi")), old: server(in("fixed")), refusals: []string{`spec.storage.metadataSize: Invalid value: "2Gi": its StorageClass "fixed" does not let volumes grow; if its driver can, set allowVolumeExpansion: true on it; leave it at 1Gi`}},
		"a smaller size is not our business":               {there: usual, server: server(in("fixed"), metadata("500Mi")), old: server(in("fixed"))},
		"the same size in other words":                     {there: usual, server: server(in("fixed"), metadata("1024Mi")), old: server(in("fixed"))},
		"the default does":                                 {there: usual, server: server(metadata("2Gi")), old: server()},
		"the default does not":                             {there: []runtime.Object{class("slow", false, defaultClassAnnotation)}, server: server(metadata("2Gi")), old: server(), refusals: []string{`its StorageClass "slow"`}},
		"the claim was made with another default":          {there: append([]runtime.Object{claim("metadata-files-0", ptr.To("fixed"), "1Gi")}, usual...), server: server(metadata("2Gi")), old: server(), refusals: []string{`its StorageClass "fixed"`}},
		"the claim was made when another class was it":     {there: []runtime.Object{claim("metadata-files-0", ptr.To("fast"), "1Gi"), fast, class("slow", false, defaultClassAnnotation)}, server: server(metadata("2Gi")), old: server()},
		"the claim is larger already":                      {there: append([]runtime.Object{claim("metadata-files-0", ptr.To("fixed"), "2Gi")}, usual...), server: server(in("fixed"), metadata("2Gi")), old: server(in("fixed"))},
		"the class of the claim has gone":                  {there: usual, server: server(in("gone"), metadata("2Gi")), old: server(in("gone")), refusals: []string{`its StorageClass "gone" does not exist any more`}},
		"a volume without a class":                         {there: usual, server: server(in(""), metadata("2Gi")), old: server(in("")), refusals: []string{"has no StorageClass"}},
		"PostgreSQL grows in its class":                    {there: usual, server: server(percona(ptr.To("fixed"), "2Gi")), old: server(percona(ptr.To("fixed"), "1Gi")), refusals: []string{`spec.percona.storageSize: Invalid value: "2Gi": its StorageClass "fixed"`}},
		"of PostgreSQL the default class is a guess":       {there: []runtime.Object{class("slow", false, defaultClassAnnotation)}, server: server(percona(nil, "2Gi")), old: server(percona(nil, "1Gi")), warnings: []string{`spec.percona.storageSize: the default StorageClass "slow" does not let volumes grow (allowVolumeExpansion is not true): if the volume was made with it, it stays at 1Gi`}},
		"volumes that come with the pod need theirs":       {there: usual, server: server(ephemeral, scratch("a", "gone")), refusals: []string{`spec.extraVolumes[0].ephemeral.volumeClaimTemplate.spec.storageClassName: Invalid value: "gone"`}},
		"one of those in another place is the same":        {there: usual, server: server(scratch("a", "fast"), scratch("b", "gone")), old: server(scratch("b", "gone"))},
		"one of those may change its class":                {there: usual, server: server(scratch("a", "fats")), old: server(scratch("a", "fast")), refusals: []string{`"fats"`}},
		"an object that is being deleted is left in peace": {server: server(in("gone"), metadata("2Gi")), old: server(in("gone"), func(s *dittofsv1alpha1.DittoServer) { s.DeletionTimestamp = ptr.To(metav1.Now()) })},
	} {
		t.Run(name, func(t *testing.T) {
			plugin, _ := newPlugin(t, c.there...)
			heard := &recorder{}
			err := plugin.Validate(warning.WithWarningRecorder(t.Context(), heard), attributes(c.server, c.old), nil)
			if len(c.refusals) == 0 && err != nil || len(c.refusals) > 0 && !apierrors.IsInvalid(err) {
				t.Fatalf("got %v, want %q", err, c.refusals)
			}
			for _, want := range c.refusals {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
			if !slices.Equal(heard.texts, c.warnings) {
				t.Errorf("warnings %q, want %q", heard.texts, c.warnings)
			}
		})
	}
}

func TestWithoutAnAnswerOfTheHostItIsTryAgain(t *testing.T) {
	for name, c := range map[string]struct {
		resource    string
		server, old *dittofsv1alpha1.DittoServer
	}{
		"about the class": {"storageclasses", server(in("fast")), nil},
		"about the claim": {"persistentvolumeclaims", server(metadata("2Gi")), server()},
	} {
		t.Run(name, func(t *testing.T) {
			plugin, client := newPlugin(t)
			client.PrependReactor("get", c.resource, func(clienttesting.Action) (bool, runtime.Object, error) {
				return true, nil, errors.New("host is away")
			})
			err := plugin.Validate(t.Context(), attributes(c.server, c.old), nil)
			if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "host is away") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// The names are written down in two packages, which must not import each other.
func TestTheClaimsAreThoseThatAreRendered(t *testing.T) {
	server := server(content, func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.CacheSize = size("1Gi") })
	want := render.ClaimSizes(server)
	for _, volume := range volumesOf(server) {
		if size, ok := want[volume.claim]; !ok || size.Cmp(volume.size) != 0 {
			t.Errorf("%s of %s is no claim of the server: %v", volume.claim, volume.size.String(), want)
		}
		delete(want, volume.claim)
	}
	if len(want) > 0 {
		t.Errorf("nobody looks at %v", want)
	}
}

func TestNothingIsAskedForAnEditWithoutVolumes(t *testing.T) {
	plugin, client := newPlugin(t)
	if err := plugin.Validate(t.Context(), attributes(server(image), server()), nil); err != nil {
		t.Error(err)
	}
	if actions := client.Actions(); len(actions) > 0 {
		t.Errorf("asked %v", actions)
	}
}

func TestWithoutItsClientsTheServerDoesNotStart(t *testing.T) {
	if New().ValidateInitialization() == nil {
		t.Error("a plugin that cannot work was accepted")
	}
}
