// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package secretaccess

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

type edit = func(*dittofsv1alpha1.DittoServer)

// plain leaves its credentials to be generated.
func plain(edits ...edit) *dittofsv1alpha1.DittoServer {
	s := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Name: "files", Namespace: "team"}}
	s.Spec.Image = "dfs:v1"
	s.Spec.Storage.MetadataSize, s.Spec.Storage.ControlPlaneSize = ptr.To(resource.MustParse("1Gi")), ptr.To(resource.MustParse("1Gi"))
	for _, edit := range edits {
		edit(s)
	}
	return s
}

// server names all of its Secrets.
func server(edits ...edit) *dittofsv1alpha1.DittoServer {
	return plain(append([]edit{func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Identity.JWT.SecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "jwt", Key: "k"}
		s.Spec.Identity.Admin.PasswordSecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "admin", Key: "k"}
		s.Spec.Database.PostgresSecretRef = &dittofsv1alpha1.SecretReference{Name: "pg"}
	}}, edits...)...)
}

func attributes(s, old *dittofsv1alpha1.DittoServer) admission.Attributes {
	// A nil pointer must not become an object.
	var oldObject runtime.Object
	operation := admission.Create
	if old != nil {
		oldObject, operation = old, admission.Update
	}
	return admission.NewAttributesRecord(s, oldObject, dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"), "team", "files",
		dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers"), "", operation, nil, false, &user.DefaultInfo{Name: "jane"})
}

// host is the host cluster and its authorizer.
type host struct {
	metadata *metadatafake.FakeMetadataClient
	client   *fake.Clientset
	// all are the questions without a name that are answered with yes.
	all    []string
	denied string
	err    error
	asked  []string
}

func newHost(t *testing.T, objects ...runtime.Object) *host {
	t.Helper()
	scheme := metadatafake.NewTestScheme()
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	var partial []runtime.Object
	for _, object := range objects {
		switch o := object.(type) {
		case *corev1.Secret:
			partial = append(partial, &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: o.ObjectMeta})
		case *corev1.PersistentVolumeClaim:
			partial = append(partial, &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"}, ObjectMeta: o.ObjectMeta})
		case *appsv1.StatefulSet:
			partial = append(partial, &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"}, ObjectMeta: o.ObjectMeta})
		}
	}
	return &host{metadata: metadatafake.NewSimpleMetadataClient(scheme, partial...), client: fake.NewClientset(objects...)}
}

func (h *host) plugin(t *testing.T) *Plugin {
	t.Helper()
	plugin := New()
	plugin.SetExternalKubeClientSet(h.client)
	plugin.SetHostMetadata(h.metadata)
	plugin.SetAuthorizer(authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		if a.GetNamespace() != "team" || a.GetUser().GetName() != "jane" {
			t.Errorf("asked about %+v", a)
		}
		if question := a.GetVerb() + " " + a.GetResource(); a.GetName() == "" && question != "create pods" {
			if slices.Contains(h.all, question) {
				return authorizer.DecisionAllow, "", nil
			}
			return authorizer.DecisionNoOpinion, "", nil
		}
		// Most questions are about Secrets: of those only the name is kept.
		question := strings.TrimPrefix(a.GetVerb()+" "+a.GetResource()+" "+a.GetName(), "get secrets ")
		h.asked = append(h.asked, question)
		if question == h.denied {
			return authorizer.DecisionNoOpinion, "", h.err
		}
		return authorizer.DecisionAllow, "", nil
	}))
	if err := plugin.ValidateInitialization(); err != nil {
		t.Fatal(err)
	}
	return plugin
}

func secret(name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "team"}}
}

func claim(name string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "team"}}
}

func image(s *dittofsv1alpha1.DittoServer)   { s.Spec.Image = "dfs:mine" }
func account(s *dittofsv1alpha1.DittoServer) { s.Spec.ServiceAccountName = "builder" }
func adopt(s *dittofsv1alpha1.DittoServer) {
	s.Annotations = map[string]string{dittofsv1alpha1.AnnotationAdopt: "true"}
}
func deleted(s *dittofsv1alpha1.DittoServer) { s.DeletionTimestamp = ptr.To(metav1.Now()) }
func percona(s *dittofsv1alpha1.DittoServer) {
	s.Spec.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true, UserName: "dfs"}
}
func existingCluster(s *dittofsv1alpha1.DittoServer) {
	percona(s)
	s.Spec.Percona.ExistingClusterRef = &dittofsv1alpha1.PerconaClusterReference{Name: "theirs"}
}

func TestTheRequesterNeedsWhatTheServerGets(t *testing.T) {
	statefulSet := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "files", Namespace: "team"}}
	kept := []runtime.Object{secret("files-jwt-secret"), secret("files-admin-bootstrap-credentials"), statefulSet}
	generated := []string{"files-jwt-secret", "files-admin-bootstrap-credentials"}
	named := []string{"jwt", "admin", "pg"}
	for name, c := range map[string]struct {
		server, old *dittofsv1alpha1.DittoServer
		there       []runtime.Object
		all         []string
		denied      string
		err         error
		asked       []string
		refusal     string
	}{
		"every Secret is asked about at create":                {server: server(), asked: named},
		"a Secret that may not be read refuses":                {server: server(), denied: "jwt", asked: named, refusal: `user "jane" lacks in namespace team: the verb get on Secret "jwt" (spec.identity.jwt.secretRef)`},
		"no answer refuses":                                    {server: server(), denied: "admin", err: errors.New("host is away"), asked: named[:2], refusal: "host is away"},
		"a new image would run with the same Secrets":          {server: server(image), old: server(), asked: named},
		"a change of size decides nothing about them":          {server: server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Replicas = ptr.To[int32](0) }), old: server()},
		"an unchanged spec is not asked about":                 {server: server(), old: server()},
		"an object that is being deleted is let through":       {server: server(image, adopt), old: server(deleted)},
		"a tenant without any right creates a plain server":    {server: plain()},
		"to recreate one over what is kept takes rights":       {server: plain(), there: kept, asked: append(slices.Clone(generated), "update statefulsets files")},
		"to recreate one over kept credentials, too":           {server: plain(), there: kept[:1], asked: generated[:1]},
		"without the right to the StatefulSet it is refused":   {server: plain(), there: kept, denied: "update statefulsets files", asked: append(slices.Clone(generated), "update statefulsets files"), refusal: `the verb update on StatefulSet "files" (it is there already)`},
		"to recreate one over kept volumes takes rights":       {server: server(), there: []runtime.Object{claim("controlplane-files-0")}, denied: "update statefulsets files", asked: append(slices.Clone(named), "update statefulsets files"), refusal: `the verb update on StatefulSet "files" (PersistentVolumeClaim "controlplane-files-0" of an earlier one is there already)`},
		"volumes of others are not in the way":                 {server: plain(), there: []runtime.Object{claim("metadata-other-0")}},
		"a volume that is not asked for stays unread":          {server: plain(), there: []runtime.Object{claim("content-files-0")}},
		"a server without volumes takes over none":             {server: plain(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.Ephemeral = true }), there: []runtime.Object{claim("metadata-files-0")}},
		"a new image gets at the generated Secrets":            {server: plain(image), old: plain(), asked: generated},
		"to allow adoption later takes rights":                 {server: server(adopt), old: server(), there: kept[2:], asked: append(slices.Clone(named), "update statefulsets files")},
		"what was adopted before is not asked about again":     {server: server(adopt, image), old: server(adopt), there: kept[2:], asked: named},
		"another ServiceAccount takes the right to make pods":  {server: plain(account), asked: []string{"create pods "}},
		"a new image runs as that ServiceAccount":              {server: server(account, image), old: server(account), asked: append(slices.Clone(named), "create pods ")},
		"without that right it is refused":                     {server: plain(account), denied: "create pods ", asked: []string{"create pods "}, refusal: `the verb create on pods (spec.serviceAccountName is "builder", another than default)`},
		"default is the account that every pod has":            {server: plain(func(s *dittofsv1alpha1.DittoServer) { s.Spec.ServiceAccountName = "default" })},
		"a database that is made has no Secrets yet":           {server: plain(percona)},
		"a database that was kept has":                         {server: plain(percona), there: []runtime.Object{secret("files-postgres-pguser-dfs")}, asked: []string{"files-postgres-pguser-dfs"}},
		"whoever may read all Secrets is not asked about one":  {server: server(), all: []string{"get secrets"}},
		"nor about those that are kept":                        {server: plain(), there: kept, all: []string{"get secrets", "update statefulsets"}},
		"all Secrets are not the StatefulSet":                  {server: plain(), there: kept, all: []string{"get secrets"}, asked: []string{"update statefulsets files"}},
		"the StatefulSet is not all Secrets":                   {server: plain(), there: kept, all: []string{"update statefulsets"}, asked: generated},
		"the Secrets of an existing database are always asked": {server: plain(existingCluster), asked: []string{"theirs-pguser-dfs", "theirs-cluster-cert"}},
	} {
		t.Run(name, func(t *testing.T) {
			host := newHost(t, c.there...)
			host.all, host.denied, host.err = c.all, c.denied, c.err
			err := host.plugin(t).Validate(t.Context(), attributes(c.server, c.old), nil)
			if c.refusal == "" && err != nil || c.refusal != "" && (err == nil || !strings.Contains(err.Error(), c.refusal)) {
				t.Errorf("got %v, want %q", err, c.refusal)
			}
			if c.err != nil && !apierrors.IsServiceUnavailable(err) || c.err == nil && err != nil && !apierrors.IsForbidden(err) {
				t.Errorf("the wrong kind of error: %v", err)
			}
			if !slices.Equal(host.asked, c.asked) {
				t.Errorf("asked about %q, want %q", host.asked, c.asked)
			}
		})
	}
}

func TestWithoutKnowingWhatIsThereNothingIsAllowed(t *testing.T) {
	for _, resource := range []string{"secrets", "statefulsets", "persistentvolumeclaims"} {
		t.Run(resource, func(t *testing.T) {
			host := newHost(t)
			host.metadata.PrependReactor("get", resource, func(clienttesting.Action) (bool, runtime.Object, error) {
				return true, nil, apierrors.NewForbidden(corev1.Resource(resource), "files", errors.New("no rights"))
			})
			err := host.plugin(t).Validate(t.Context(), attributes(plain(), nil), nil)
			if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "no rights") || !strings.Contains(err.Error(), "apply the ClusterRole") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWithoutItsClientsTheServerDoesNotStart(t *testing.T) {
	if New().ValidateInitialization() == nil {
		t.Error("a plugin that cannot work was accepted")
	}
}

// Each look-up is a request to the host cluster, at every create.
func TestWhoeverHasAllRightsCostsNoLookups(t *testing.T) {
	host := newHost(t)
	host.all = []string{"get secrets", "update statefulsets"}
	if err := host.plugin(t).Validate(t.Context(), attributes(plain(), nil), nil); err != nil {
		t.Fatal(err)
	}
	if actions := host.metadata.Actions(); len(actions) > 0 {
		t.Errorf("looked up %v", actions)
	}
}

func TestWithoutAnAnswerAboutAllObjectsNothingIsAllowed(t *testing.T) {
	host := newHost(t)
	plugin := host.plugin(t)
	plugin.SetAuthorizer(authorizer.AuthorizerFunc(func(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
		return authorizer.DecisionNoOpinion, "", errors.New("host is away")
	}))
	err := plugin.Validate(t.Context(), attributes(plain(), nil), nil)
	if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "host is away") {
		t.Errorf("got %v", err)
	}
}
