package certs

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// heldSecrets are the Secrets as they were read; nil: there is none.
type heldSecrets struct{ serving, authority *corev1.Secret }

// readState reads everything from the API itself, no cache. The record comes last:
// what is written then on the strength of an older record meets a newer version
// of what was read before, and is refused.
func (k *Controller) readState(ctx context.Context) (seen currentState, held heldSecrets, err error) {
	if held.serving, err = k.readSecret(ctx, k.config.Secret); err != nil {
		return seen, held, err
	}
	if held.serving != nil {
		data := held.serving.Data
		seen.serving = KeyPair{Cert: data[certFile], Key: data[keyFile], CA: data[caFile]}
	}
	var idle []string
	for _, name := range k.config.WebhookConfigurations {
		c := webhookConfiguration{name: name}
		err := k.call(ctx, func(ctx context.Context) error { return k.readConfiguration(ctx, &c) })
		if err != nil && !apierrors.IsNotFound(err) {
			c.err = fmt.Errorf("read %s %s: %w", kindMutating, name, withCure(err))
		}
		if len(c.entries) == 0 {
			idle = append(idle, name)
		}
		if !apierrors.IsNotFound(err) {
			seen.configurations = append(seen.configurations, c)
		}
	}
	k.note("webhook configurations without a webhook that calls the Service", strings.Join(idle, ", "))

	if held.authority, err = k.readSecret(ctx, k.config.AuthoritySecret()); err != nil {
		return seen, held, err
	}
	if held.authority == nil {
		seen.record = parseRecord(nil)
		seen.record.signerFault = fmt.Sprintf("Secret %s/%s does not exist", k.config.Namespace, k.config.AuthoritySecret())
		return seen, held, nil
	}
	seen.record = parseRecord(held.authority.Data)
	return seen, held, nil
}

func (k *Controller) readSecret(ctx context.Context, name string) (*corev1.Secret, error) {
	var found *corev1.Secret
	err := k.call(ctx, func(ctx context.Context) (err error) {
		found, err = k.secrets.Get(ctx, name, metav1.GetOptions{})
		return err
	})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read Secret %s/%s: %w", k.config.Namespace, name, withCure(err))
	}
	return found, nil
}

// change takes a step of the record and writes it.
func (k *Controller) change(ctx context.Context, seen *currentState, held *corev1.Secret, d decision, now time.Time) error {
	next, err := advance(seen, d.step, now, k.rules)
	if err != nil {
		return fmt.Errorf("%s: %w", d.step, err)
	}
	data := map[string][]byte{}
	if held != nil {
		maps.Copy(data, held.Data)
	}
	if err := next.writeTo(data); err != nil {
		return fmt.Errorf("%s: %w", d.step, err)
	}
	if err := k.writeSecret(ctx, held, k.config.AuthoritySecret(), data); err != nil {
		return err
	}
	k.stepped(d.step, d.reason, "Secret", k.config.AuthoritySecret())
	return nil
}

func (k *Controller) serve(ctx context.Context, held *corev1.Secret, d decision) error {
	data := map[string][]byte{}
	if held != nil {
		maps.Copy(data, held.Data)
	}
	data[certFile], data[keyFile], data[caFile] = d.serve.Cert, d.serve.Key, d.serve.CA
	if err := k.writeSecret(ctx, held, k.config.Secret, data); err != nil {
		return err
	}
	k.stepped(StepServe, d.serveReason, "Secret", k.config.Secret)
	return nil
}

// writeSecret writes the data over the version that was read. It keeps all else
// that the Secret has; nil is an error.
func (k *Controller) writeSecret(ctx context.Context, held *corev1.Secret, name string, data map[string][]byte) error {
	if held == nil {
		return fmt.Errorf("Secret %s/%s does not exist: apply netmode's manifests again, which bring it, empty", k.config.Namespace, name) //nolint:staticcheck // a kind's name begins with a capital
	}
	err := k.call(ctx, func(ctx context.Context) (err error) {
		changed := held.DeepCopy()
		changed.Data = data
		_, err = k.secrets.Update(ctx, changed, metav1.UpdateOptions{FieldManager: fieldManager})
		return err
	})
	if err != nil {
		return fmt.Errorf("write Secret %s/%s: %w", k.config.Namespace, name, withCure(err))
	}
	return nil
}

func (k *Controller) writeBundle(ctx context.Context, c *webhookConfiguration, bundle []byte) error {
	patch, err := c.bundlePatch(bundle)
	if err != nil {
		return fmt.Errorf("patch of %s %s: %w", kindMutating, c.name, err)
	}
	err = k.call(ctx, func(ctx context.Context) error { return k.patchConfiguration(ctx, c.name, patch) })
	if err != nil {
		return fmt.Errorf("write caBundle of %s %s: %w", kindMutating, c.name, withCure(err))
	}
	k.stepped(StepBundle, "caBundle is not the CAs of Secret "+k.config.AuthoritySecret(), kindMutating, c.name)
	return nil
}

func (k *Controller) call(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return do(ctx)
}

func (k *Controller) stepped(step Step, reason, kind, name string) {
	k.log.Info("certificates", "step", string(step), "reason", reason, "kind", kind, "name", name)
	if k.hooks.Stepped != nil {
		k.hooks.Stepped(step)
	}
}

// note logs a text once, until it changes.
func (k *Controller) note(what, text string) {
	if k.said[what] == text {
		return
	}
	k.said[what] = text
	if text != "" {
		k.log.Info(what, "what", text)
	}
}

// isStale says whether a write failed because what was read has changed since.
func isStale(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsNotFound(err)
}

// withCure adds to an error of the API what to do about it.
func withCure(err error) error {
	switch {
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w: allow it in the Role or ClusterRole of this ServiceAccount", err)
	case apierrors.IsInvalid(err) && strings.Contains(err.Error(), "immutable"):
		return fmt.Errorf("%w: delete the object, and apply netmode's manifests again, which bring it, empty", err)
	}
	return err
}
