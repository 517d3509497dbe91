package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// leftoverName is that of the ValidatingWebhookConfiguration of earlier
	// versions, which the API server's own objects replace.
	leftoverName = "netmode"
	// lookAgainAfter is when a configuration that was not there is looked for again:
	// helm rollback may bring it back, and what it calls is no more.
	lookAgainAfter = time.Minute
	// settleAfter is more than an API server takes to hold to what it has said to
	// enforce: its policy source is refreshed once a second.
	settleAfter = 4 * time.Second
)

// leftover removes the ValidatingWebhookConfiguration of an earlier version.
type leftover struct {
	client interface {
		Get(ctx context.Context, name string, options metav1.GetOptions) (*admissionregistrationv1.ValidatingWebhookConfiguration, error)
		Delete(ctx context.Context, name string, options metav1.DeleteOptions) error
	}
	log    logr.Logger
	looked time.Time
	// enforced is since when every policy is; zero: they are not.
	enforced time.Time
}

// wait is called while not every policy is enforced.
func (l *leftover) wait() { l.enforced = time.Time{} }

// remove is called while every policy is enforced. It is done only after that was
// so for a while, so that no gap opens. An object of that name without netmode's
// label is left alone.
func (l *leftover) remove(ctx context.Context) (done bool, err error) {
	if !l.looked.IsZero() && time.Since(l.looked) < lookAgainAfter {
		return true, nil
	}
	if l.enforced.IsZero() {
		l.enforced = time.Now()
	}
	if time.Since(l.enforced) < settleAfter {
		return false, nil
	}
	found, err := l.client.Get(ctx, leftoverName, metav1.GetOptions{})
	if err == nil && found.Labels["app.kubernetes.io/name"] == "netmode" {
		err = l.client.Delete(ctx, leftoverName, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{
			UID: &found.UID, ResourceVersion: &found.ResourceVersion,
		}})
		if err == nil {
			l.log.Info("removed what an earlier version left: the API server itself enforces all policies", "ValidatingWebhookConfiguration", leftoverName)
		}
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return true, fmt.Errorf("remove ValidatingWebhookConfiguration %s of an earlier version: %w", leftoverName, err)
	}
	l.looked = time.Now()
	return true, nil
}
