// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package storageclass refuses a DittoServer whose volumes could never be made,
// because their StorageClass does not exist, or could never grow. It reads
// StorageClasses, and claims when a volume is to grow.
package storageclass

import (
	"context"
	"fmt"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"

	dittofsadmission "github.com/dittofs/dittofs-apiserver/pkg/admission"
)

// PluginName is the name for --enable-admission-plugins and --disable-admission-plugins.
const PluginName = "DittoServerStorageClass"

// timeout bounds all look-ups of one request.
const timeout = 5 * time.Second

// Register makes the plugin known.
func Register(plugins *admission.Plugins) {
	plugins.Register(PluginName, func(io.Reader) (admission.Interface, error) { return New(), nil })
}

// Plugin fails closed: while the host cluster does not tell its StorageClasses,
// it is 503. Requests that neither add a volume nor let one grow pass.
type Plugin struct {
	*admission.Handler
	client    kubernetes.Interface
	lister    storagelisters.StorageClassLister
	hasSynced cache.InformerSynced
}

// New returns the plugin, to be completed by the initializers.
func New() *Plugin {
	return &Plugin{Handler: admission.NewHandler(admission.Create, admission.Update)}
}

var (
	_ admission.ValidationInterface                = &Plugin{}
	_ initializer.WantsExternalKubeClientSet       = &Plugin{}
	_ initializer.WantsExternalKubeInformerFactory = &Plugin{}
	_ admission.InitializationValidator            = &Plugin{}
)

// SetExternalKubeClientSet takes the client of the host.
func (p *Plugin) SetExternalKubeClientSet(client kubernetes.Interface) { p.client = client }

// SetExternalKubeInformerFactory takes the informers of the host.
func (p *Plugin) SetExternalKubeInformerFactory(factory informers.SharedInformerFactory) {
	classes := factory.Storage().V1().StorageClasses()
	p.lister, p.hasSynced = classes.Lister(), classes.Informer().HasSynced
}

// ValidateInitialization fails when an initializer was left out.
func (p *Plugin) ValidateInitialization() error {
	if p.client == nil || p.lister == nil {
		return fmt.Errorf("%s needs the client and the informers of the host cluster", PluginName)
	}
	return nil
}

// Validate looks at volumes that are new, and at those that are to grow. A class
// that goes away later stops neither edits nor the server.
func (p *Plugin) Validate(ctx context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	server, old := dittofsadmission.Changed(attributes)
	if server == nil {
		return nil
	}
	added, grown := changes(server, old)
	if len(added)+len(grown) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	classes, err := p.look(ctx)
	if err != nil {
		return dittofsadmission.Unavailable(attributes, "looking for the StorageClasses", err)
	}
	errs, err := checkAdded(ctx, classes, added)
	if err != nil {
		return dittofsadmission.Unavailable(attributes, "looking for the StorageClass", err)
	}
	for _, volume := range grown {
		refused, err := p.checkGrowth(ctx, classes, attributes.GetNamespace(), volume)
		if err != nil {
			return dittofsadmission.Unavailable(attributes, "looking for the StorageClass of "+volume.sizePath.String(), err)
		}
		if refused != nil {
			errs = append(errs, refused)
		}
	}
	return dittofsadmission.Invalid(server, errs)
}

// checkAdded asks once for each field that names a class, or could.
func checkAdded(ctx context.Context, classes *classes, added []volume) (field.ErrorList, error) {
	var errs field.ErrorList
	asked := map[string]bool{}
	for _, volume := range added {
		if asked[volume.classPath.String()] {
			continue
		}
		asked[volume.classPath.String()] = true
		if volume.class == nil {
			if classes.byDefault() == nil {
				warning.AddWarning(ctx, "", fmt.Sprintf(
					"%s: left out, and no StorageClass of the cluster is the default: the volumes wait for one; existing are %s",
					volume.classPath, classes.names()))
			}
			continue
		}
		// The empty name is a request for volumes that are there already.
		if *volume.class == "" {
			continue
		}
		class, err := classes.get(ctx, *volume.class)
		if err != nil {
			return nil, err
		}
		if class == nil {
			errs = append(errs, field.Invalid(volume.classPath, *volume.class,
				"there is no such StorageClass; existing are "+classes.names()))
		}
	}
	return errs, nil
}
