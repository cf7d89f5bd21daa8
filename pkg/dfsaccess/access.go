// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package dfsaccess reaches the dfs API of one server for a request to our API: in go a DittoServer as it is stored and a
// client of the host cluster; out come a transport to its pod, a token, an event. Errors are answers to the request.
// It remembers nothing between requests, and never puts a token or what is in a Secret into an error, an event or a log.
package dfsaccess

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/dfstarget"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// Access reaches servers. It is safe for use by several goroutines.
type Access struct {
	// Host reads Namespaces, StatefulSets, Pods and Secrets, each by its name, and creates Events.
	Host kubernetes.Interface
	// URLTemplate, when set, is the address of servers instead of the pod's.
	URLTemplate string
	Clock       clock.PassiveClock
}

// Dial returns the URL of a server's API and a transport that connects to its pod and to nothing else, once. Whether
// somebody redirected the Service, or a DNS name, does not matter. Its errors are answers to the request, too.
func (a *Access) Dial(ctx context.Context, server *dittofsv1alpha1.DittoServer) (*url.URL, http.RoundTripper, error) {
	if err := a.fence(ctx, server); err != nil {
		return nil, nil, err
	}
	set, err := a.Host.AppsV1().StatefulSets(server.Namespace).Get(ctx, render.StatefulSetName(server.Name), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil, notRunning(server)
	} else if err != nil {
		return nil, nil, unavailable(server, "look up its StatefulSet", err)
	}
	pod, err := a.Host.CoreV1().Pods(server.Namespace).Get(ctx, render.PodName(server.Name), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil, notRunning(server)
	} else if err != nil {
		return nil, nil, unavailable(server, "look up its pod", err)
	}
	if !dfstarget.Owned(pod, set) {
		return nil, nil, notRunning(server)
	}
	endpoint, located := dfstarget.Locate(server, pod, dfstarget.StartedWith(&pod.Spec, server), a.URLTemplate)
	if !located {
		return nil, nil, notRunning(server)
	}
	base, err := url.Parse(endpoint.BaseURL)
	if err != nil {
		return nil, nil, unavailable(server, "find its API", errors.New("--dfs-url-template does not lead to a URL"))
	}
	config, err := endpoint.TLS.Config(ctx, a.secret, server.Namespace)
	if err != nil {
		return nil, nil, unavailable(server, "prepare TLS", err)
	}
	once := dfs.NewPodTransport(endpoint.Address, config)
	// A connection that is kept would be to the pod of then.
	once.DisableKeepAlives = true
	// What is compressed is small on the wire and may be large in memory.
	once.DisableCompression = true
	return base, &transport{server: server.Name, tls: endpoint.TLS, next: once}, nil
}

// fence keeps everybody out of a namespace that is not, or not for much longer, the one that the server was created in:
// the pods and Secrets of such a namespace are somebody else's.
func (a *Access) fence(ctx context.Context, server *dittofsv1alpha1.DittoServer) error {
	if server.DeletionTimestamp != nil {
		return conflict(server, "it is being deleted")
	}
	namespace, err := a.Host.CoreV1().Namespaces().Get(ctx, server.Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return conflict(server, "its namespace is gone")
	case err != nil:
		return unavailable(server, "look up its namespace", err)
	case string(namespace.UID) != server.Annotations[dittofsv1alpha1.AnnotationNamespaceUID]:
		return conflict(server, "it was created in another namespace of the name "+server.Namespace+", which is gone: delete it, and create it anew")
	case namespace.DeletionTimestamp != nil:
		return conflict(server, "its namespace is being deleted")
	}
	return nil
}

func (a *Access) secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	secret, err := a.Host.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, missingSecret(name)
	case err != nil:
		return nil, fmt.Errorf("read Secret %s: %w", name, err)
	}
	return secret, nil
}

// missingSecret is the name of a Secret that is not there.
type missingSecret string

func (s missingSecret) Error() string { return "there is no Secret " + string(s) }

// transport puts what went wrong into an answer.
type transport struct {
	server string
	tls    dfstarget.TLS
	next   http.RoundTripper
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.next.RoundTrip(req)
	if err == nil {
		return res, nil
	}
	silent := &dfs.UnreachableError{Method: req.Method, Path: req.URL.Path, Err: err}
	if dfs.IsTimeout(silent) {
		return nil, apierrors.NewTimeoutError(fmt.Sprintf("the dfs API of DittoServer %q gave no answer in time", t.server), 0)
	}
	return nil, apierrors.NewServiceUnavailable(fmt.Sprintf("the dfs API of DittoServer %q cannot be reached: %s", t.server, dfstarget.Describe(silent, t.tls)))
}
