// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// providersEvery is how many rounds the configuration of a provider is believed while nothing else changes.
const providersEvery = 10

// identityState is what is kept of the identity providers of one process.
type identityState struct {
	notes     notes // nil: not read yet
	rounds    int   // since they were last looked at
	providers map[string]*providerState
}

type providerState struct {
	retry retry
	// seal is that of the password in the Secret at a version, so that it is read only when it may have changed.
	version, seal string
}

// errSilent says that the server did not answer, so that there is no use in asking for more.
var errSilent = errors.New("the server does not answer")

// syncProviders brings the identity providers into the server: after its first start it takes no other word for them.
func (v *visit) syncProviders(ctx context.Context, held string) {
	st := &v.st.identity
	st.rounds++
	if !v.st.dirty && st.notes != nil && st.rounds < providersEvery && !v.retryDue() {
		return
	}
	if st.notes == nil {
		text, err := v.st.api.Setting(ctx, noteKey)
		if err != nil {
			v.unreachedProviders("its settings cannot be read: " + v.describe(err))
			return
		}
		st.notes = parseNotes(text)
	}
	if st.providers == nil {
		st.providers = map[string]*providerState{}
	}
	st.rounds = 0
	problems := map[string]string{}
	for _, p := range providersOf(v.server) {
		if st.providers[p.name] == nil {
			st.providers[p.name] = &providerState{}
		}
		if _, ours := st.notes[p.name]; !p.inSpec && !ours {
			// What an administrator of the dfs API set up is theirs.
			st.providers[p.name].retry.reset()
			continue
		}
		problem, err := v.syncProvider(ctx, p, st.providers[p.name], held)
		if problem != "" || p.inSpec {
			problems[p.name] = problem
		}
		if errors.Is(err, errSilent) {
			v.o.Providers = problems
			v.unreachedProviders(problem)
			return
		}
	}
	v.o.Providers, v.st.dirty = problems, false
}

func (v *visit) retryDue() bool {
	for _, p := range v.st.identity.providers {
		if p.retry.pending() && p.retry.due(v.now) {
			return true
		}
	}
	return false
}

// syncProvider makes one provider what the spec says, and returns what is wrong with it afterwards.
func (v *visit) syncProvider(ctx context.Context, p provider, st *providerState, held string) (problem string, err error) {
	if st.retry.pending() && !st.retry.due(v.now) && !v.st.dirty {
		return v.o.Providers[p.name], nil
	}
	current, err := v.st.api.IdentityProvider(ctx, p.name)
	if dfs.IsNotFound(err) {
		current, err = nil, nil
	}
	if err == nil {
		if p.enabled {
			problem, err = v.enable(ctx, p, st, current, held)
		} else {
			problem, err = v.disable(ctx, p, current, held)
		}
	}
	if err == nil {
		st.retry.reset()
		return problem, nil
	}
	st.retry.failed(v.now)
	problem = v.refusedProvider(err)
	if dfs.IsUnreachable(err) {
		err = errSilent
	}
	return problem, err
}

// enable puts the configuration if it, or the secret, is another one. The server shows no secret: whether it has the right
// one is known from the note.
func (v *visit) enable(ctx context.Context, p provider, st *providerState, current dfs.IdentityProvider, held string) (string, error) {
	next := overlay(current, p.fields)
	mark, ours := v.st.identity.notes[p.name]
	changed := !sameFields(current, next)
	newNote := note{ChangedUnder: mark.ChangedUnder}
	if !sameFields(only(current, p.atStart), only(next, p.atStart)) {
		newNote.ChangedUnder = startText(v.st.run.started)
	}
	if p.secret != nil {
		value, problem := v.password(ctx, p, st)
		if problem != "" {
			return problem, nil
		}
		newNote.Secret = st.seal
		if stored, _ := at(current, p.secretPath).(string); stored == "" || st.seal != mark.Secret {
			if value == "" {
				value, problem = v.secretValue(ctx, p)
			}
			if problem != "" {
				return problem, nil
			}
			put(next, p.secretPath, value)
			changed = true
		}
	}
	if !changed && ours {
		return v.pendingRestart(mark), nil
	}
	if held != "" {
		if !changed {
			return "", nil
		}
		return sentence("It is not as in the spec, and nothing is written to dfs for now: " + held), nil
	}
	if p.name == dfs.ProviderKerberos && !current.Enabled() && !v.t.HasKeytab {
		// dfs that finds Kerberos enabled and no keytab does not start.
		return "It is switched on once the pod has the keytab: that pod is yet to be started.", nil
	}
	if changed {
		if err := v.st.api.PutIdentityProvider(ctx, p.name, next); err != nil {
			return "", err
		}
	}
	if err := v.writeNotes(ctx, v.st.identity.notes.with(p.name, newNote)); err != nil {
		return "", err
	}
	return v.pendingRestart(newNote), nil
}

// disable switches a provider off that is not wanted any more. It cannot be removed, and its fields may be of use again.
func (v *visit) disable(ctx context.Context, p provider, current dfs.IdentityProvider, held string) (string, error) {
	mark, ours := v.st.identity.notes[p.name]
	if current.Enabled() {
		if held != "" {
			return sentence("It is still switched on, and nothing is written to dfs for now: " + held), nil
		}
		next := maps.Clone(current)
		next["enabled"] = false
		if err := v.st.api.PutIdentityProvider(ctx, p.name, next); err != nil {
			return "", err
		}
		if len(p.atStart) > 0 {
			mark.ChangedUnder = startText(v.st.run.started)
			if err := v.writeNotes(ctx, v.st.identity.notes.with(p.name, mark)); err != nil {
				return "", err
			}
			return v.pendingRestart(mark), nil
		}
	}
	if !ours || held != "" {
		return "", nil
	}
	if pending := v.pendingRestart(mark); pending != "" {
		return pending, nil
	}
	return "", v.writeNotes(ctx, v.st.identity.notes.without(p.name))
}

func (v *visit) writeNotes(ctx context.Context, n notes) error {
	text, err := n.text()
	if err != nil {
		return err
	}
	if err := v.st.api.PutSetting(ctx, noteKey, text); err != nil {
		return err
	}
	v.st.identity.notes = n
	return nil
}

func (v *visit) pendingRestart(n note) string {
	if n.ChangedUnder == "" || n.ChangedUnder != startText(v.st.run.started) {
		return ""
	}
	return fmt.Sprintf("dfs has the new configuration and follows it from its next start on: kubectl rollout restart statefulset %s.",
		render.StatefulSetName(v.server.Name))
}

// password brings the seal up to date. It returns the password only if it had to read it.
func (v *visit) password(ctx context.Context, p provider, st *providerState) (value, problem string) {
	version, err := v.p.secretVersion(ctx, v.key.Namespace, p.secret.Name)
	if err != nil {
		return "", sentence(err.Error())
	}
	version += "/" + p.secret.Key
	if st.seal != "" && st.version == version {
		return "", ""
	}
	if value, problem = v.secretValue(ctx, p); problem != "" {
		return "", problem
	}
	st.version, st.seal = version, sealed(v.st.secrets.started, p.name, value)
	return value, ""
}

func (v *visit) secretValue(ctx context.Context, p provider) (value, problem string) {
	secret, err := secretReader{v.p.Live}.get(ctx, v.key.Namespace, p.secret.Name)
	if err != nil {
		return "", sentence(err.Error())
	}
	if len(secret.Data[p.secret.Key]) == 0 {
		return "", fmt.Sprintf("The Secret %s has no key %s.", p.secret.Name, p.secret.Key)
	}
	return string(secret.Data[p.secret.Key]), ""
}

func (v *visit) refusedProvider(err error) string {
	var status *dfs.StatusError
	if errors.As(err, &status) && status.Code < http.StatusInternalServerError && status.Detail != "" {
		return sentence("dfs refuses it: " + status.Detail)
	}
	return sentence(v.describe(err))
}

// unreachedProviders says of the providers that changed since dfs was last told, or were never looked at, that it could not
// be told now.
func (v *visit) unreachedProviders(how string) {
	if !v.st.dirty && v.o.Providers != nil {
		return
	}
	problems := maps.Clone(v.o.Providers)
	for _, p := range providersOf(v.server) {
		if !p.inSpec {
			continue
		}
		if problems == nil {
			problems = map[string]string{}
		}
		problems[p.name] = sentence("It is not known to be as in the spec: " + how)
	}
	v.o.Providers = problems
}
