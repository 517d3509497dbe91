package cluster

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubetesting "k8s.io/client-go/testing"

	"github.com/netmode-io/netmode/pkg/policy"
)

func oldWebhook(labels map[string]string) *admissionregistrationv1.ValidatingWebhookConfiguration {
	return &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{
		Name: "netmode", UID: "old", ResourceVersion: "7", Labels: labels,
	}}
}

// asked are the calls about ValidatingWebhookConfigurations.
func (e *enforcing) asked() (verbs []string) {
	for _, action := range e.client.Actions() {
		if action.GetResource().Resource == "validatingwebhookconfigurations" {
			verbs = append(verbs, action.GetVerb())
			if d, ok := action.(kubetesting.DeleteActionImpl); ok {
				p := d.DeleteOptions.Preconditions
				if p == nil || p.UID == nil || *p.UID != "old" || p.ResourceVersion == nil || *p.ResourceVersion != "7" {
					e.t.Errorf("deleted with %+v", d.DeleteOptions)
				}
			}
		}
	}
	e.client.ClearActions()
	return verbs
}

// The webhook configuration of an earlier version goes once the API server
// enforces all policies, and not before.
func TestLeftover(t *testing.T) {
	netmode := map[string]string{"app.kubernetes.io/name": "netmode"}
	for _, tt := range []struct {
		what    string
		observe bool
		policy  map[string]any
		labels  map[string]string
		refuse  bool // the API server does not take the policy
		want    int  // calls at the start
	}{
		{"all is enforced", false, forbidding(), netmode, false, 2},
		{"observe only", true, forbidding(), netmode, false, 2},
		{"nothing is forbidden", false, selecting("a"), netmode, false, 2},
		{"not understood", false, map[string]any{"namespaceSelector": map[string]any{}, "defaultMode": "mesh"}, netmode, false, 0},
		{"not applied", false, forbidding(), netmode, true, 0},
		{"not netmode's", false, forbidding(), nil, false, 1},
	} {
		t.Run(tt.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := enforce(t, policy.AdmissionSettings{ObserveOnly: tt.observe}, []runtime.Object{newPolicy("p", 1, tt.policy)}, oldWebhook(tt.labels))
				if tt.refuse {
					e.client.PrependReactor("patch", "*", func(kubetesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("no") })
				}
				e.run()
				if asked := e.asked(); len(asked) > 0 {
					t.Errorf("asked %q, before the API server can hold to what it enforces", asked)
				}
				e.later(2 * retryAfter)
				asked := e.asked()
				if len(asked) != tt.want {
					t.Errorf("asked %q, want %d", asked, tt.want)
				}
				_, err := e.client.Tracker().Get(admissionregistrationv1.SchemeGroupVersion.WithResource("validatingwebhookconfigurations"), "", "netmode")
				if gone := err != nil; gone != (tt.want == 2) {
					t.Errorf("gone %t: %v", gone, err)
				}
				// Rounds to come do not ask for it, but for one a minute.
				for i, want := range []int{0, 1} {
					e.later(time.Duration(i)*lookAgainAfter + time.Second)
					e.update(newPolicy("p", int64(2+i), tt.policy))
					e.later(2 * time.Second)
					if asked := e.asked(); len(asked) != min(want, tt.want) {
						t.Errorf("asked again %q, want %d", asked, min(want, tt.want))
					}
				}
			})
		})
	}
}

// What helm rollback brings back goes again, though nothing else changes.
func TestOldWebhookComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enforce(t, policy.AdmissionSettings{}, nil)
		e.run()
		e.later(2 * retryAfter)
		resource := admissionregistrationv1.SchemeGroupVersion.WithResource("validatingwebhookconfigurations")
		if err := e.client.Tracker().Create(resource, oldWebhook(map[string]string{"app.kubernetes.io/name": "netmode"}), ""); err != nil {
			t.Fatal(err)
		}
		e.later(lookAgainAfter + 2*roundEvery)
		if _, err := e.client.Tracker().Get(resource, "", "netmode"); err == nil {
			t.Error("it is still there after a minute")
		}
	})
}
