package install

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// installed is a cluster where netmode works.
type installed struct {
	webhook       *appsv1.Deployment
	pod           *corev1.Pod
	event         *corev1.Event
	configuration *admissionv1.MutatingWebhookConfiguration
}

func newInstalled() *installed {
	labels := map[string]string{"app.kubernetes.io/name": "netmode"}
	trusts := admissionv1.WebhookClientConfig{CABundle: []byte("ca")}
	return &installed{
		webhook: &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: webhookName, Labels: labels, Generation: 2},
			Spec:       appsv1.DeploymentSpec{Replicas: new(int32(2)), Selector: &metav1.LabelSelector{MatchLabels: labels}},
			Status: appsv1.DeploymentStatus{
				ObservedGeneration: 2, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2,
				Conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue}},
			},
		},
		pod: &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "p", UID: "1", Labels: labels},
			Status: corev1.PodStatus{
				Phase:      corev1.PodPending,
				Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse}},
			},
		},
		event: &corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "e"}, InvolvedObject: corev1.ObjectReference{UID: "1"}},
		configuration: &admissionv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "netmode"}, Webhooks: []admissionv1.MutatingWebhook{
			{Name: "a", ClientConfig: trusts}, {Name: "b", ClientConfig: trusts}, {Name: "c", ClientConfig: trusts},
		}},
	}
}

func (i *installed) client() *fake.Clientset {
	var all []runtime.Object
	if i.webhook != nil {
		all = append(all, i.webhook)
	}
	if i.configuration != nil {
		all = append(all, i.configuration)
	}
	return fake.NewClientset(append(all, i.pod, i.event)...)
}

// unready makes the pod one that holds the Deployment up.
func (i *installed) unready(status corev1.ContainerStatus) {
	i.webhook.Status.Conditions[0].Status = corev1.ConditionFalse
	i.webhook.Status.AvailableReplicas = 1
	status.Name = "webhook"
	i.pod.Status.ContainerStatuses = []corev1.ContainerStatus{status}
}

func TestWaitSaysWhatIsMissing(t *testing.T) {
	const half = "Deployment netmode-webhook: 2 of 2 pods are new, 1 of 2 available; "
	for name, test := range map[string]struct {
		change func(*installed)
		want   string // "": nothing is missing
	}{
		"nothing":                             {func(*installed) {}, ""},
		"one replica, as the strategy allows": {func(i *installed) { i.webhook.Status.AvailableReplicas = 1 }, ""},
		"no Deployment":                       {func(i *installed) { i.webhook = nil }, "there is no Deployment netmode-system/netmode-webhook"},
		"no configuration":                    {func(i *installed) { i.configuration = nil }, "there is no MutatingWebhookConfiguration netmode"},
		"no caBundle in one": {
			func(i *installed) { i.configuration.Webhooks[0].ClientConfig.CABundle = nil },
			"MutatingWebhookConfiguration netmode: no caBundle in a",
		},
		"no caBundle in two": {
			func(i *installed) {
				i.configuration.Webhooks[1].ClientConfig.CABundle, i.configuration.Webhooks[2].ClientConfig.CABundle = nil, nil
			},
			"MutatingWebhookConfiguration netmode: no caBundle in b, c",
		},
		"not seen yet": {
			func(i *installed) { i.webhook.Generation = 3 },
			"Deployment netmode-webhook: 2 of 2 pods are new, 2 of 2 available; pod p: Pending",
		},
		"old pods": {
			func(i *installed) { i.webhook.Status.Replicas = 3 },
			"Deployment netmode-webhook: 2 of 2 pods are new, 2 of 3 available; pod p: Pending",
		},
		"no pods": {
			func(i *installed) {
				i.pod.Labels = nil
				i.webhook.Status = appsv1.DeploymentStatus{ObservedGeneration: 2, Conditions: []appsv1.DeploymentCondition{
					{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: `violates PodSecurity "restricted"`},
				}}
			},
			`Deployment netmode-webhook: 0 of 2 pods are new, 0 of 0 available: violates PodSecurity "restricted"`,
		},
		"no image": {
			func(i *installed) {
				i.unready(corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "not found"}}})
			},
			half + "pod p: Pending, container webhook waits: ErrImagePull: not found",
		},
		"crashes": {
			func(i *installed) {
				i.unready(corev1.ContainerStatus{
					State:                corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
					LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 1}},
				})
			},
			half + "pod p: Pending, container webhook is not ready, and ended before: Error, exit code 1",
		},
		"no room": {
			func(i *installed) {
				i.unready(corev1.ContainerStatus{Ready: true})
				i.pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "no free ports"}}
			},
			half + "pod p: Pending, Unschedulable: no free ports",
		},
		"no Secret": {
			func(i *installed) {
				i.unready(corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}})
				i.event.Type, i.event.Reason, i.event.Message = corev1.EventTypeWarning, "FailedMount", "secret not found"
			},
			half + "pod p: Pending, container webhook waits: ContainerCreating, last warning: FailedMount: secret not found",
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := newInstalled()
			test.change(i)
			missing, err := lookAt(t.Context(), i.client())
			if have := strings.Join(missing, "; "); err != nil || have != test.want {
				t.Errorf("%v\nhave %s\nwant %s", err, have, test.want)
			}
		})
	}
}

// The webhook is asked last, about a Service that is not made; Wait waits for its answer.
func TestWaitAsksTheWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newInstalled().client()
		asked := 0
		client.PrependReactor("create", "services", func(action clienttesting.Action) (bool, runtime.Object, error) {
			create, ok := action.(clienttesting.CreateActionImpl)
			if !ok || len(create.CreateOptions.DryRun) != 1 {
				t.Errorf("not a dry run: %+v", action)
			}
			if asked++; asked < 3 {
				return true, nil, errors.New("failed calling webhook: connection refused")
			}
			return true, &corev1.Service{}, nil
		})
		if err := waitFor(t.Context(), client); err != nil || asked != 3 {
			t.Errorf("asked %d times: %v", asked, err)
		}
	})
}

func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInstalled()
		i.configuration.Webhooks[0].ClientConfig.CABundle = nil
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("not installed within 1m0s"))
		defer cancel()
		err := waitFor(ctx, i.client())
		if want := "netmode does not work: not installed within 1m0s: MutatingWebhookConfiguration netmode: no caBundle in a"; err == nil || err.Error() != want {
			t.Errorf("have %v\nwant %s", err, want)
		}
	})
}
