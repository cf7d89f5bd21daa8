// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserverclass

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// fieldClass is the field of a DittoServer that names its class.
const fieldClass = "spec.className"

// users looks for the DittoServers of a class, in all namespaces.
type users struct{ servers rest.Lister }

// list returns them as the store has them now, or, if it need not be exact, as
// the watch cache has them.
func (u users) list(ctx context.Context, selector fields.Selector, exact bool) ([]dittofsv1alpha1.DittoServer, error) {
	options := &internalversion.ListOptions{FieldSelector: selector}
	if !exact {
		options.ResourceVersion = "0"
	}
	list, err := u.servers.List(request.WithNamespace(ctx, metav1.NamespaceAll), options)
	if err != nil {
		return nil, fmt.Errorf("list the DittoServers: %w", err)
	}
	servers, ok := list.(*dittofsv1alpha1.DittoServerList)
	if !ok {
		return nil, fmt.Errorf("list the DittoServers: got %T", list)
	}
	return servers.Items, nil
}

// of returns the users of one class.
func (u users) of(ctx context.Context, class string, exact bool) ([]dittofsv1alpha1.DittoServer, error) {
	return u.list(ctx, fields.OneTermEqualSelector(fieldClass, class), exact)
}

// counts says how many servers each of the classes has.
func (u users) counts(ctx context.Context, classes []string) (map[string]int, error) {
	counts := make(map[string]int, len(classes))
	if len(classes) == 1 {
		servers, err := u.of(ctx, classes[0], false)
		counts[classes[0]] = len(servers)
		return counts, err
	}
	servers, err := u.list(ctx, fields.Everything(), false)
	for i := range servers {
		if spec := &servers[i].Spec; spec.HasClass() {
			counts[*spec.ClassName]++
		}
	}
	return counts, err
}

// maxNames is how many servers a message names.
const maxNames = 5

// named is for messages.
func named(servers []dittofsv1alpha1.DittoServer) string {
	var all []string
	for i := range servers {
		if i == maxNames {
			return fmt.Sprintf("%s and %d more", strings.Join(all, ", "), len(servers)-maxNames)
		}
		all = append(all, servers[i].Namespace+"/"+servers[i].Name)
	}
	return strings.Join(all, ", ")
}
