// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// classes is the cache of DittoServerClasses, with one in it or none.
type classes struct {
	client.Client
	class *dittofsv1alpha1.DittoServerClass
	down  error
}

func (c classes) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	if c.down != nil {
		return c.down
	}
	if c.class == nil {
		return apierrors.NewNotFound(dittofsv1alpha1.Resource("dittoserverclasses"), key.Name)
	}
	c.class.DeepCopyInto(object.(*dittofsv1alpha1.DittoServerClass))
	return nil
}

func TestAServerIsComparedWithItsClassAsItIsNow(t *testing.T) {
	limited := func(limits dittofsv1alpha1.ClassLimits) *dittofsv1alpha1.DittoServerClass {
		return &dittofsv1alpha1.DittoServerClass{Spec: dittofsv1alpha1.DittoServerClassSpec{Limits: limits}}
	}
	none := &dittofsv1alpha1.AllowedValues{}
	var env []corev1.EnvVar
	for i := range 8 {
		env = append(env, corev1.EnvVar{Name: fmt.Sprintf("E%d", i)})
	}
	for name, c := range map[string]struct {
		class  *string
		stored *dittofsv1alpha1.DittoServerClass
		reason string
		says   []string
	}{
		"without a class":        {},
		"with no class by name":  {class: ptr.To("")},
		"whose class is gone":    {class: ptr.To("small"), reason: reasonClassNotFound, says: []string{`"small" is gone`, "create the class again"}},
		"within it":              {class: ptr.To("small"), stored: limited(dittofsv1alpha1.ClassLimits{}), reason: reasonWithinClass},
		"beyond it in one field": {class: ptr.To("small"), stored: limited(dittofsv1alpha1.ClassLimits{Images: &dittofsv1alpha1.ImageLimits{Allowed: []string{"a:*"}}}), reason: reasonDiffersFromClass, says: []string{"spec.image is dfs:v1, and the class allows images like a:*", "it runs on"}},
		"beyond it in many": {class: ptr.To("small"), stored: limited(dittofsv1alpha1.ClassLimits{ExtraEnv: none}), reason: reasonDiffersFromClass,
			says: []string{"spec.extraEnv[0].name is E0", "spec.extraEnv[4].name is E4", "and 3 more"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Generation: 4}}
			server.Spec.ClassName, server.Spec.Image, server.Spec.ExtraEnv = c.class, "dfs:v1", env
			server.Spec.Storage.MetadataSize = ptr.To(resource.MustParse("1Gi"))
			p := &pass{Reconciler: &Reconciler{Servers: classes{class: c.stored}}, stored: server}
			found, err := p.conformance(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			// A condition of another time goes with the class.
			conditions := []metav1.Condition{{Type: dittofsv1alpha1.ConditionClassConformant, Status: metav1.ConditionUnknown, Reason: "Before"}}
			view{server: server, conformance: found, now: time.Now()}.setConformance(&conditions)
			condition := meta.FindStatusCondition(conditions, dittofsv1alpha1.ConditionClassConformant)
			if c.reason == "" {
				if found != nil || condition != nil {
					t.Errorf("it says %+v", condition)
				}
				return
			}
			wanted := metav1.ConditionFalse
			if c.reason == reasonWithinClass {
				wanted = metav1.ConditionTrue
			}
			if condition == nil || condition.Status != wanted || condition.Reason != c.reason || condition.ObservedGeneration != 4 {
				t.Fatalf("it says %+v", condition)
			}
			for _, text := range c.says {
				if !strings.Contains(condition.Message, text) {
					t.Errorf("it says %q, without %q", condition.Message, text)
				}
			}
			if strings.Contains(condition.Message, "E5") {
				t.Errorf("it says too much: %q", condition.Message)
			}
		})
	}
	down := &pass{Reconciler: &Reconciler{Servers: classes{down: errors.New("away")}}, stored: &dittofsv1alpha1.DittoServer{
		Spec: dittofsv1alpha1.DittoServerSpec{ClassName: ptr.To("small")},
	}}
	if found, err := down.conformance(t.Context()); err == nil {
		t.Errorf("without the cache it says %+v", found)
	}
}
