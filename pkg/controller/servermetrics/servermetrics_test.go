// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servermetrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-base/metrics/legacyregistry"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

func name(s string) types.NamespacedName { return types.NamespacedName{Namespace: "ns", Name: s} }

func serverNamed(s string, conditions ...metav1.Condition) *dittofsv1alpha1.DittoServer {
	server := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: s}}
	server.Status.Conditions = conditions
	return server
}

func withServers(t *testing.T, servers ...client.Object) client.WithWatch {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := dittofsv1alpha1.Install(scheme); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(servers...).Build()
}

// pass is a reconciler that takes a second and ends with an error.
func pass(clock *testclock.FakeClock, err error) reconcile.Reconciler {
	return reconcile.Func(func(context.Context, reconcile.Request) (reconcile.Result, error) {
		clock.Step(time.Second)
		return reconcile.Result{}, err
	})
}

func run(t *testing.T, table *Table, r reconcile.Reconciler, server string) {
	t.Helper()
	_, _ = table.Around(r).Reconcile(t.Context(), reconcile.Request{NamespacedName: name(server)})
}

// scrape returns the lines of our metrics.
func scrape(t *testing.T) string {
	t.Helper()
	families, err := legacyregistry.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "dittofs_server_") {
			continue
		}
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			fmt.Fprintf(&b, "%s{%s} %v\n", family.GetName(), strings.Join(labels, ","), m.GetCounter().GetValue()+m.GetGauge().GetValue())
		}
	}
	return b.String()
}

func TestEachServerHasItsSeriesAndLosesThemWithItself(t *testing.T) {
	Register()
	Register() // a second server in one process
	clock := testclock.NewFakeClock(time.Now())
	c := withServers(t,
		serverNamed("a", metav1.Condition{Type: "Ready", Status: metav1.ConditionFalse}),
		serverNamed("b"))
	table := NewTable(c, clock)
	if got := scrape(t); got != "" {
		t.Errorf("before the controllers run there is\n%s", got)
	}
	table.Ends = func(server types.NamespacedName) map[string]time.Time {
		if server != name("a") {
			return nil
		}
		return map[string]time.Time{"client": time.Unix(9, 0), "serving": time.Unix(7, 0)}
	}
	hide := table.Expose()
	run(t, table, pass(clock, nil), "a")
	run(t, table, pass(clock, errors.New("no")), "a")
	for _, err := range []error{nil, &dfs.StatusError{Code: 401}, &dfs.StatusError{Code: 401}, &dfs.UnreachableError{Err: io.EOF},
		fmt.Errorf("the term ended: %w", context.Canceled)} {
		table.Called(name("a"), err)
	}
	clock.Step(10 * time.Second)
	const want = `dittofs_server_certificate_expiration_timestamp_seconds{certificate=client,name=a,namespace=ns} 9
dittofs_server_certificate_expiration_timestamp_seconds{certificate=serving,name=a,namespace=ns} 7
dittofs_server_condition{name=a,namespace=ns,status=false,type=Ready} 1
dittofs_server_condition{name=a,namespace=ns,status=true,type=Ready} 0
dittofs_server_dfs_last_success_age_seconds{name=a,namespace=ns} 10
dittofs_server_dfs_requests_total{name=a,namespace=ns,outcome=success} 1
dittofs_server_dfs_requests_total{name=a,namespace=ns,outcome=unauthorized} 2
dittofs_server_dfs_requests_total{name=a,namespace=ns,outcome=unreachable} 1
dittofs_server_reconcile_last_success_age_seconds{name=a,namespace=ns} 11
dittofs_server_reconcile_seconds_total{name=a,namespace=ns} 2
dittofs_server_reconciles_total{name=a,namespace=ns,result=error} 1
dittofs_server_reconciles_total{name=a,namespace=ns,result=success} 1
`
	if got := scrape(t); got != want {
		t.Errorf("the series are\n%swant\n%s", got, want)
	}

	if err := c.Delete(t.Context(), serverNamed("a")); err != nil {
		t.Fatal(err)
	}
	if got := scrape(t); got != "" {
		t.Errorf("of a server that is gone there is\n%s", got)
	}
	run(t, table, pass(clock, nil), "a") // the pass that its last event calls
	table.Called(name("a"), nil)         // and a call that was still on its way
	if len(table.rows) != 0 {
		t.Errorf("the table still has %d rows", len(table.rows))
	}
	run(t, table, pass(clock, nil), "b")
	hide()
	if got := scrape(t); got != "" {
		t.Errorf("after the term there is\n%s", got)
	}
}

func TestATermThatEndsDoesNotHideTheNextOne(t *testing.T) {
	Register()
	clock := testclock.NewFakeClock(time.Now())
	first, second := NewTable(withServers(t), clock), NewTable(withServers(t, serverNamed("a", metav1.Condition{Type: "Ready"})), clock)
	hideFirst := first.Expose()
	defer second.Expose()()
	hideFirst()
	if got := scrape(t); !strings.Contains(got, "name=a") {
		t.Errorf("the series are\n%s", got)
	}
}

func TestAPassThatTheEndOfATermBreaksOffIsNotCounted(t *testing.T) {
	table := NewTable(withServers(t, serverNamed("a")), testclock.NewFakeClock(time.Now()))
	ctx, cancel := context.WithCancel(t.Context())
	r := table.Around(reconcile.Func(func(context.Context, reconcile.Request) (reconcile.Result, error) {
		cancel()
		return reconcile.Result{}, context.Canceled
	}))
	_, _ = r.Reconcile(ctx, reconcile.Request{NamespacedName: name("a")})
	if len(table.rows) != 0 {
		t.Errorf("it was counted: %+v", table.rows)
	}
}

func TestCallsAreSortedByWhatCameOfThem(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want outcome
	}{
		{"an answer", nil, succeeded},
		{"a refused token", &dfs.StatusError{Code: 401}, unauthorized},
		{"a share that does not exist", &dfs.StatusError{Code: 404}, refused},
		{"a handler that panics", &dfs.StatusError{Code: 500}, failed},
		{"a redirection", &dfs.StatusError{Code: 302}, failed},
		{"a timeout", &dfs.UnreachableError{Err: context.DeadlineExceeded}, unreachable},
		{"another program", &dfs.AnswerError{}, foreign},
		{"a token that cannot be signed", errors.New("no secret"), failed},
		{"broken off by us", context.Canceled, outcomes},
	}
	for _, tt := range tests {
		if got := outcomeOf(tt.err); got != tt.want {
			t.Errorf("%s is %d, want %d", tt.name, got, tt.want)
		}
	}
}

// listed answers a list as a cache does: without copies.
type listed struct {
	client.Reader
	items []dittofsv1alpha1.DittoServer
}

func (l listed) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	list.(*dittofsv1alpha1.DittoServerList).Items = append([]dittofsv1alpha1.DittoServer{}, l.items...)
	return nil
}

// BenchmarkScrape is one scrape of 5,000 servers with nine conditions each.
func BenchmarkScrape(b *testing.B) {
	Register()
	var conditions []metav1.Condition
	for _, t := range []string{"Ready", "Progressing", "Degraded", "ConfigReady", "StorageReady", "Available", "DatabaseReady", "Authenticated", "AdaptersReady"} {
		conditions = append(conditions, metav1.Condition{Type: t, Status: metav1.ConditionTrue})
	}
	conditions[1].Status, conditions[2].Status = metav1.ConditionFalse, metav1.ConditionFalse
	clock := testclock.NewFakeClock(time.Now())
	table := NewTable(nil, clock)
	var all listed
	for i := range 5000 {
		server := serverNamed(fmt.Sprintf("server-%d", i), conditions...)
		all.items = append(all.items, *server)
		table.passed(name(server.Name), time.Second, nil)
		table.Called(name(server.Name), nil)
	}
	table.servers = all
	defer table.Expose()()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := legacyregistry.DefaultGatherer.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
