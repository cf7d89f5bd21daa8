// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	auditapi "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/component-base/metrics/testutil"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/apis/dittofs/validation"
)

const testToken = "the.signed.token"

type issue struct {
	username string
	role     dittofsv1alpha1.CredentialsRole
	ttl      time.Duration
}

type fixture struct {
	t        *testing.T
	rest     *REST
	server   *dittofsv1alpha1.DittoServer
	limit    Cap
	rights   []string
	reviewed []authorizer.Attributes
	issues   []issue
	fails    error // of the issuer
	notes    []string
	noteErr  error
	warnings []string
	audit    *auditapi.Event
	now      time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, now: time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC), limit: Cap{Role: dittofsv1alpha1.CredentialsOperator, By: `class "silver"`}}
	f.server = &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Name: "files", Namespace: "team", UID: "server-uid"}}
	f.server.Status.Endpoints.API = "http://files-api.team.svc:8080"
	scheme := runtime.NewScheme()
	if err := dittofsv1alpha1.Install(scheme); err != nil {
		t.Fatal(err)
	}
	f.rest = NewREST(Config{Scheme: scheme, Servers: f, Issuer: f, Recorder: f, Caps: f, Authorizer: authorizer.AuthorizerFunc(f.authorize)})
	return f
}

func (f *fixture) Get(_ context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	if name != f.server.Name {
		return nil, apierrors.NewNotFound(dittofsv1alpha1.Resource("dittoservers"), name)
	}
	return f.server, nil
}

func (f *fixture) CredentialsCap(context.Context, *dittofsv1alpha1.DittoServer) (Cap, error) {
	return f.limit, nil
}

func (f *fixture) JWTSecret(*dittofsv1alpha1.DittoServer) string { return "files-jwt-secret" }

func (f *fixture) Issue(_ context.Context, _ *dittofsv1alpha1.DittoServer, username string, role dittofsv1alpha1.CredentialsRole, ttl time.Duration) (string, time.Time, error) {
	f.issues = append(f.issues, issue{username, role, ttl})
	return testToken, f.now.Add(ttl), f.fails
}

func (f *fixture) Issued(_ context.Context, _ *dittofsv1alpha1.DittoServer, note string) error {
	f.notes = append(f.notes, note)
	return f.noteErr
}

func (f *fixture) AddWarning(_, text string) { f.warnings = append(f.warnings, text) }

// authorize knows rights as VERB RESOURCE/NAME.
func (f *fixture) authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	f.reviewed = append(f.reviewed, a)
	resource := a.GetResource()
	if a.GetSubresource() != "" {
		resource += "/" + a.GetSubresource()
	}
	right := a.GetVerb() + " " + resource + " " + a.GetName()
	switch {
	case slices.Contains(f.rights, right) && a.GetNamespace() == "team" && a.GetUser().GetName() == "jane" && a.IsResourceRequest():
		return authorizer.DecisionAllow, "", nil
	case slices.Contains(f.rights, "unknown"):
		return authorizer.DecisionNoOpinion, "", errors.New("no answer")
	}
	return authorizer.DecisionNoOpinion, "", nil
}

func (f *fixture) create(change func(*dittofsv1alpha1.CredentialsRequest), dryRun ...string) (*dittofsv1alpha1.CredentialsRequest, error) {
	f.t.Helper()
	asked := &dittofsv1alpha1.CredentialsRequest{}
	if change != nil {
		change(asked)
	}
	f.rest.config.Scheme.Default(asked)
	ctx := request.WithUser(request.WithNamespace(f.t.Context(), "team"), &user.DefaultInfo{Name: "jane", Groups: []string{"staff"}})
	ctx = warning.WithWarningRecorder(audit.WithAuditContext(ctx), f)
	if err := audit.AuditContextFrom(ctx).Init(audit.RequestAuditConfig{Level: auditapi.LevelMetadata}, nil); err != nil {
		f.t.Fatal(err)
	}
	out, err := f.rest.Create(ctx, "files", asked, nil, &metav1.CreateOptions{DryRun: dryRun})
	f.audit = &auditapi.Event{Annotations: map[string]string{}}
	for _, key := range []string{AuditRole, AuditExpires, AuditUsername} {
		if value, ok := audit.AuditContextFrom(ctx).GetEventAnnotation(key); ok {
			f.audit.Annotations[key] = value
		}
	}
	if err != nil {
		return nil, err
	}
	return out.(*dittofsv1alpha1.CredentialsRequest), nil
}

func TestAnEmptyRequestIsAnsweredWithAnOperatorsToken(t *testing.T) {
	RegisterMetrics()
	issued.Reset()
	f := newFixture(t)
	got, err := f.create(nil)
	if err != nil {
		t.Fatal(err)
	}
	name := validation.DFSUsername("jane")
	if want := (issue{name, "operator", 15 * time.Minute}); len(f.issues) != 1 || f.issues[0] != want {
		t.Errorf("signed %+v, want %+v", f.issues, want)
	}
	if got.Status.Token != testToken || got.Status.Username != name || got.Status.Endpoint != f.server.Status.Endpoints.API ||
		!got.Status.ExpirationTimestamp.Time.Equal(f.now.Add(15*time.Minute)) || *got.Spec.ExpirationSeconds != 900 || got.Spec.Role != "operator" {
		t.Errorf("answered %+v", got)
	}
	if got.Name != "files" || got.Namespace != "team" || got.UID != "server-uid" || got.CreationTimestamp.IsZero() {
		t.Errorf("answered with the metadata %+v", got.ObjectMeta)
	}
	if len(f.reviewed) > 0 {
		t.Error("an operator's token needs no other right than create")
	}
	t.Run("and it is told three times, without the token", func(t *testing.T) {
		if len(f.notes) != 1 || !strings.Contains(f.notes[0], `User "jane"`) || !strings.Contains(f.notes[0], "role operator, until 2026-11-28T09:15:00Z, as "+name) {
			t.Errorf("the event says %q", f.notes)
		}
		if a := f.audit.Annotations; a[AuditRole] != "operator" || a[AuditExpires] != "2026-11-28T09:15:00Z" || a[AuditUsername] != name {
			t.Errorf("the audit annotations are %v", a)
		}
		if value, err := testutil.GetCounterMetricValue(issued.WithLabelValues("operator")); err != nil || value != 1 {
			t.Errorf("counted %v, %v", value, err)
		}
		for _, text := range append(f.notes, f.audit.Annotations[AuditRole], f.audit.Annotations[AuditUsername]) {
			if strings.Contains(text, testToken) {
				t.Error("the token is in", text)
			}
		}
	})
}

func TestNothingOfTheCallersIsInTheAnswerButTheSpec(t *testing.T) {
	f := newFixture(t)
	got, err := f.create(func(r *dittofsv1alpha1.CredentialsRequest) {
		r.Labels, r.Annotations, r.Finalizers = map[string]string{"a": "b"}, map[string]string{"a": "b"}, []string{"a/b"}
		r.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "m"}}
		r.Status = dittofsv1alpha1.CredentialsRequestStatus{Token: "mine", Username: "admin", Endpoint: "http://evil.example"}
	}, metav1.DryRunAll)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Labels)+len(got.Annotations)+len(got.Finalizers)+len(got.ManagedFields) > 0 || got.Status.Token != "" ||
		got.Status.Username != validation.DFSUsername("jane") || got.Status.Endpoint != f.server.Status.Endpoints.API {
		t.Errorf("answered %+v", got)
	}
}

func TestADryRunChecksEverythingAndHandsOutNothing(t *testing.T) {
	f := newFixture(t)
	got, err := f.create(nil, metav1.DryRunAll)
	if err != nil || got.Status.Token != "" || got.Status.ExpirationTimestamp.IsZero() || len(f.notes) > 0 || len(f.audit.Annotations) > 0 {
		t.Errorf("answered %+v, %v; events %v, audit %v", got, err, f.notes, f.audit.Annotations)
	}
	f.fails = apierrors.NewConflict(dittofsv1alpha1.Resource("dittoservers"), "files", errors.New("it is being deleted"))
	if _, err := f.create(nil, metav1.DryRunAll); !apierrors.IsConflict(err) {
		t.Errorf("of a server without a secret: %v", err)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	role := func(role dittofsv1alpha1.CredentialsRole) func(*dittofsv1alpha1.CredentialsRequest) {
		return func(r *dittofsv1alpha1.CredentialsRequest) { r.Spec.Role = role }
	}
	life := func(seconds int64) func(*dittofsv1alpha1.CredentialsRequest) {
		return func(r *dittofsv1alpha1.CredentialsRequest) { r.Spec.ExpirationSeconds = ptr.To(seconds) }
	}
	tests := []struct {
		name   string
		limit  Cap
		ask    func(*dittofsv1alpha1.CredentialsRequest)
		code   int32
		words  string
		rights []string
	}{
		{"the role user, which would be an account's", Cap{Role: "admin"}, role("user"), 422, `spec.role: Unsupported value: "user"`, nil},
		{"another role", Cap{Role: "admin"}, role("root"), 422, `"admin", "operator"`, nil},
		{"a role in capitals", Cap{Role: "admin"}, role("Admin"), 422, "spec.role", nil},
		{"a life that is too short", Cap{Role: "admin"}, life(59), 422, "spec.expirationSeconds: Invalid value: 59: must be greater than or equal to 60", nil},
		{"a life that is too long", Cap{Role: "admin"}, life(901), 422, "must be less than or equal to 900", nil},
		{"a life of none", Cap{Role: "admin"}, life(0), 422, "spec.expirationSeconds", nil},
		{"a life below none", Cap{Role: "admin"}, life(-1), 422, "spec.expirationSeconds", nil},
		{"a life beyond numbers of nanoseconds", Cap{Role: "admin"}, life(1 << 62), 422, "spec.expirationSeconds", nil},
		{"a life longer than the class allows", Cap{Role: "operator", Duration: 5 * time.Minute, By: `class "silver"`}, life(301), 422,
			`spec.expirationSeconds: Invalid value: 301: must be less than or equal to 300, by class "silver"`, nil},
		{"a role higher than the class allows", Cap{Role: "operator", By: `class "silver"`}, role("admin"), 403, `class "silver" allows the role operator at most`,
			[]string{"administer dittoservers/credentials files", "get secrets files-jwt-secret"}},
		{"any role where none is allowed", Cap{By: `class "silver"`}, nil, 403, `class "silver" allows no tokens`, nil},
		{"an admin without rights", Cap{Role: "admin"}, role("admin"), 403,
			`user "jane" lacks in namespace team: the verb administer on dittoservers/credentials "files"; the verb get on Secret "files-jwt-secret"`, nil},
		{"an admin without the verb", Cap{Role: "admin"}, role("admin"), 403, "the verb administer", []string{"get secrets files-jwt-secret"}},
		{"an admin without the Secret", Cap{Role: "admin"}, role("admin"), 403, "the verb get on Secret", []string{"administer dittoservers/credentials files"}},
		{"an admin where nobody answers", Cap{Role: "admin"}, role("admin"), 503, "try again", []string{"unknown"}},
		{"another name in the body", Cap{Role: "operator"}, func(r *dittofsv1alpha1.CredentialsRequest) { r.Name = "other" }, 422, "metadata.name", nil},
		{"another namespace in the body", Cap{Role: "operator"}, func(r *dittofsv1alpha1.CredentialsRequest) { r.Namespace = "other" }, 422, "metadata.namespace", nil},
		{"an earlier server of the name", Cap{Role: "operator"}, func(r *dittofsv1alpha1.CredentialsRequest) { r.UID = "earlier" }, 409, "server-uid", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.limit, f.rights = tt.limit, tt.rights
			_, err := f.create(tt.ask)
			var status apierrors.APIStatus
			if !errors.As(err, &status) || status.Status().Code != tt.code || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("answered %v", err)
			}
			if len(f.issues) > 0 || len(f.notes) > 0 || len(f.audit.Annotations) > 0 {
				t.Errorf("signed %v, wrote %v and %v", f.issues, f.notes, f.audit.Annotations)
			}
		})
	}
}

func TestAnotherKindInTheBody(t *testing.T) {
	f := newFixture(t)
	ctx := request.WithUser(request.WithNamespace(t.Context(), "team"), &user.DefaultInfo{Name: "jane"})
	if _, err := f.rest.Create(ctx, "files", f.server, nil, &metav1.CreateOptions{}); !apierrors.IsBadRequest(err) {
		t.Errorf("answered %v", err)
	}
}

func TestAnAdminsToken(t *testing.T) {
	f := newFixture(t)
	f.limit.Role = dittofsv1alpha1.CredentialsAdmin
	f.rights = []string{"administer dittoservers/credentials files", "get secrets files-jwt-secret"}
	got, err := f.create(func(r *dittofsv1alpha1.CredentialsRequest) {
		r.Spec.Role, r.UID, r.Name, r.Namespace = "admin", "server-uid", "files", "team"
	})
	if err != nil || got.Status.Token != testToken || f.issues[0].role != "admin" {
		t.Fatalf("answered %+v, %v", got, err)
	}
	if group := f.reviewed[0].GetAPIGroup(); group != "dittofs.io" {
		t.Errorf("asked about the group %q", group)
	}
}

func TestALifeLeftOpenIsWhatTheClassAllows(t *testing.T) {
	for _, tt := range []struct {
		longest time.Duration
		want    int64
	}{{0, 900}, {5 * time.Minute, 300}, {time.Hour, 900}} {
		f := newFixture(t)
		f.limit.Duration = tt.longest
		got, err := f.create(nil)
		if err != nil || *got.Spec.ExpirationSeconds != tt.want || f.issues[0].ttl != time.Duration(tt.want)*time.Second {
			t.Errorf("with %s: %+v, %v", tt.longest, got, err)
		}
	}
}

func TestATokenIsHandedOutAlthoughNoEventCanBeWritten(t *testing.T) {
	f := newFixture(t)
	f.noteErr = errors.New("quota")
	got, err := f.create(nil)
	if err != nil || got.Status.Token == "" || len(f.warnings) != 1 || f.audit.Annotations[AuditRole] == "" {
		t.Errorf("answered %+v, %v, warnings %v", got, err, f.warnings)
	}
}

func TestAServerThatRefusesTokensIsWarnedAbout(t *testing.T) {
	f := newFixture(t)
	f.server.Status.Conditions = []metav1.Condition{{Type: dittofsv1alpha1.ConditionAuthenticated, Status: metav1.ConditionFalse, Reason: "JWTSecretMismatch", Message: "Restart it."}}
	if _, err := f.create(nil); err != nil || len(f.warnings) != 1 || !strings.Contains(f.warnings[0], "Restart it.") {
		t.Errorf("%v, warnings %v", err, f.warnings)
	}
}
