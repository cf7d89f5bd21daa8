// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// certificatesValid tells of the certificates, if there are any. recheck says when time alone will change it.
func (v view) certificatesValid(verdicts map[string]verdict) (recheck time.Duration) {
	condition := dittofsv1alpha1.ConditionCertificatesValid
	stored := meta.FindStatusCondition(v.server.Status.Conditions, condition)
	if v.server.DeletionTimestamp != nil {
		if stored != nil {
			verdicts[condition] = unknown(reasonDeleting, "The server is being deleted.")
		}
		return 0
	}
	for _, c := range v.certificates.list {
		for _, turn := range []time.Time{c.from, c.soon, c.until} {
			if left := turn.Sub(v.now); left > 0 && (recheck == 0 || left < recheck) {
				recheck = left
			}
		}
	}
	found, has := worstOf(v.certificates.list, v.now)
	if left := v.certificates.left; left.status != "" && (!has || badness(found) == 0 || badness(found) < badness(left)) {
		// Not all have been read yet, as after a restart of the controller. What has been is told if it is no better.
		found, has = left, true
	}
	if has {
		verdicts[condition] = found
	}
	return recheck
}

// badness orders what is told of certificates.
func badness(told verdict) int {
	switch {
	case told.status == metav1.ConditionFalse:
		return 2
	case told.reason == reasonCertificateExpiresSoon:
		return 1
	}
	return 0
}

// worstOf tells of those certificates that are worst off. has is false without certificates.
func worstOf(certificates []certificate, now time.Time) (worst verdict, has bool) {
	var ended, early, near []string
	var first certificate
	for _, c := range certificates {
		if first.until.IsZero() || c.until.Before(first.until) {
			first = c
		}
		switch {
		case !now.Before(c.until):
			ended = append(ended, fmt.Sprintf("%s has ended at %s. %s", c.where(), utc(c.until), c.advice))
		case now.Before(c.from):
			early = append(early, fmt.Sprintf("%s begins at %s only. Wait for that, or check the clocks. %s", c.where(), utc(c.from), c.advice))
		case !now.Before(c.soon):
			near = append(near, fmt.Sprintf("%s ends at %s, and has not been renewed. %s", c.where(), utc(c.until), c.advice))
		}
	}
	switch {
	case len(ended) > 0:
		return no(reasonCertificateExpired, "%s", strings.Join(ended, " ")), true
	case len(early) > 0:
		return no(reasonCertificateNotYetValid, "%s", strings.Join(early, " ")), true
	case len(near) > 0:
		return yes(reasonCertificateExpiresSoon, "%s", strings.Join(near, " ")), true
	case len(certificates) == 0:
		return verdict{}, false
	}
	return yes(reasonCertificatesValid, "%s is the first to end, at %s.", first.where(), utc(first.until)), true
}

// where names a certificate by its place.
func (c certificate) where() string {
	return fmt.Sprintf("The certificate in %s of Secret %s (spec.%s)", c.key, c.secret, c.field)
}

func utc(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// setCertificates writes the condition, which only servers with certificates have.
func (v view) setCertificates(conditions *[]metav1.Condition, verdicts map[string]verdict) {
	found, has := verdicts[dittofsv1alpha1.ConditionCertificatesValid]
	if !has {
		meta.RemoveStatusCondition(conditions, dittofsv1alpha1.ConditionCertificatesValid)
		return
	}
	meta.SetStatusCondition(conditions, metav1.Condition{
		Type:               dittofsv1alpha1.ConditionCertificatesValid,
		Status:             found.status,
		Reason:             found.reason,
		Message:            found.message,
		ObservedGeneration: v.server.Generation,
		LastTransitionTime: metav1.NewTime(v.now),
	})
}
