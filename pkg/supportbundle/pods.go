// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package supportbundle

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
)

// logBytes bounds each log. The newest lines are what is wanted, and --since is the other bound.
const logBytes = 8 << 20

// events are those of our own namespace and of every namespace with file servers.
func (c *collector) events(ctx context.Context) {
	for _, namespace := range append([]string{c.options.Namespace}, c.namespaces...) {
		c.asText("events/"+namespace+".txt", "events, oldest first", func(ctx context.Context) ([]byte, error) {
			list, err := c.kube.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{Limit: listLimit})
			if err != nil {
				return nil, err
			}
			var out []byte
			for _, e := range list.Items {
				at := e.LastTimestamp.Time
				if at.IsZero() {
					at = e.EventTime.Time
				}
				out = fmt.Appendf(out, "%s %s %s %s/%s: %s\n", at.UTC().Format(time.RFC3339), e.Type, e.Reason, e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Message)
			}
			return out, nil
		})(ctx)
	}
}

// health asks our server itself: at the address that was given, as whoever runs this, or through its pods, as nobody.
func (c *collector) health(ctx context.Context) {
	if c.options.Server != "" {
		direct, err := c.direct(ctx)
		for _, path := range []string{"/readyz?verbose", "/livez?verbose", "/metrics"} {
			name, _, _ := strings.Cut(path, "?")
			c.asText("server"+name+".txt", "our server's "+path, func(ctx context.Context) ([]byte, error) {
				if err != nil {
					return nil, err
				}
				return raw(ctx, direct, path)
			})(ctx)
		}
		return
	}
	c.eachPod(ctx, c.options.Namespace, "app.kubernetes.io/name="+serverName, func(pod *corev1.Pod) {
		c.path(ctx, "server/"+pod.Name+"-readyz.txt", "its /readyz?verbose, through the proxy of its pod",
			"/api/v1/namespaces/"+pod.Namespace+"/pods/https:"+pod.Name+":10250/proxy/readyz?verbose")
	})
}

// direct is a client of our server with the login of the kubeconfig. It talks to nobody else: the certificate must be one for
// the Service, of the authority that the APIService names.
func (c *collector) direct(ctx context.Context) (kubernetes.Interface, error) {
	if address, err := url.Parse(c.options.Server); err != nil || address.Scheme != "https" {
		return nil, fmt.Errorf("--server=%s: must be an https URL", c.options.Server)
	}
	object, err := c.dynamic.Resource(resourceOf("apiregistration.k8s.io/v1/apiservices")).Get(ctx, apiServiceName, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	bundle, _, _ := unstructured.NestedString(object.Object, "spec", "caBundle")
	service, _, _ := unstructured.NestedString(object.Object, "spec", "service", "name")
	namespace, _, _ := unstructured.NestedString(object.Object, "spec", "service", "namespace")
	authority, err := base64.StdEncoding.DecodeString(bundle)
	if err != nil || len(authority) == 0 {
		return nil, errors.New("the APIService has no caBundle to verify it by")
	}
	config := rest.CopyConfig(c.config)
	config.Host, config.CAFile, config.CAData, config.ServerName = c.options.Server, "", authority, service+"."+namespace+".svc"
	return kubernetes.NewForConfig(config)
}

func (c *collector) logs(ctx context.Context) {
	c.eachPod(ctx, c.options.Namespace, "app.kubernetes.io/name="+serverName, func(pod *corev1.Pod) { c.podLogs(ctx, pod) })
	if c.options.DFSLogs {
		c.eachPod(ctx, "", ours, func(pod *corev1.Pod) { c.podLogs(ctx, pod) })
	}
}

func (c *collector) eachPod(ctx context.Context, namespace, selector string, do func(*corev1.Pod)) {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	pods, err := c.kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector, Limit: listLimit})
	if err == nil && len(pods.Items) == 0 {
		err = errors.New("there is no such pod")
	}
	if err != nil {
		c.put("pods "+strings.TrimPrefix(namespace+" "+selector, " "), "health and logs", nil, err)
		return
	}
	for i := range pods.Items {
		do(&pods.Items[i])
	}
}

func (c *collector) podLogs(ctx context.Context, pod *corev1.Pod) {
	for _, container := range pod.Spec.Containers {
		name := "logs/" + pod.Namespace + "/" + pod.Name + "-" + container.Name
		c.podLog(ctx, pod, name+".log", corev1.PodLogOptions{Container: container.Name, SinceSeconds: ptr.To(int64(c.options.Since.Seconds()))})
		for _, status := range pod.Status.ContainerStatuses {
			if status.Name == container.Name && status.RestartCount > 0 {
				c.podLog(ctx, pod, name+"-previous.log", corev1.PodLogOptions{Container: container.Name, Previous: true})
			}
		}
	}
}

func (c *collector) podLog(ctx context.Context, pod *corev1.Pod, name string, options corev1.PodLogOptions) {
	c.asText(name, "a log", func(ctx context.Context) ([]byte, error) {
		stream, err := c.kube.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &options).Stream(ctx)
		if err != nil {
			return nil, err
		}
		defer stream.Close()
		// The end of it: --since may be more than there is room for.
		var kept []byte
		chunk := make([]byte, 64<<10)
		for {
			n, err := stream.Read(chunk)
			kept = append(kept, chunk[:n]...)
			if len(kept) > 2*logBytes {
				kept = append(kept[:0], kept[len(kept)-logBytes:]...)
			}
			if errors.Is(err, io.EOF) {
				return kept[max(0, len(kept)-logBytes):], nil
			}
			if err != nil {
				return nil, err
			}
		}
	})(ctx)
}
