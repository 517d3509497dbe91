package suite

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/flags"
)

// restricted is a pod that every PodSecurity level accepts, with annotations that netmode would
// refuse.
func restricted() *corev1.Pod {
	p := pod("untouched", map[string]string{api.AnnotationMode: "nonsense"}, shellContainer())
	p.Spec = nonRoot(p.Spec)
	p.Spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
	return p
}

// checkUntouched checks that netmode is not asked about pods of a namespace.
func (s *suite) checkUntouched(ctx context.Context, t *testing.T, namespace string) {
	t.Helper()
	made, said, err := s.admit(ctx, namespace, restricted())
	if err != nil {
		t.Fatal(err)
	}
	if _, touched := made.Annotations[api.AnnotationStatus]; touched || said != "" {
		t.Errorf("the pod of %s was touched: %v, %q", namespace, made.Annotations, said)
	}
}

func testUntouchedNamespaces(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "touched")
	// Elsewhere the same pod is refused.
	c.checkRefused(ctx, t, restricted(), `metadata.annotations[netmode.io/mode]: Unsupported value: "nonsense"`)
	for _, namespace := range []string{metav1.NamespaceSystem, flags.DefaultNamespace} {
		t.Run(namespace, func(t *testing.T) { s.checkUntouched(ctx, t, namespace) })
	}
}

// testNetmodeGone takes all of netmode's pods away, so no other test may run at that time.
func testNetmodeGone(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "gone")
	c.create(ctx, t, deployment("asks", 0, template("asks", mode(api.ModeHostNetwork), distrolessContainer(hostPort))))
	deployments := s.client.AppsV1().Deployments(flags.DefaultNamespace)
	scale := func(ctx context.Context, name string, replicas int32) int32 {
		now, err := deployments.GetScale(ctx, name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		before := now.Spec.Replicas
		now.Spec.Replicas = replicas
		if _, err := deployments.UpdateScale(ctx, name, now, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		return before
	}
	restored := func(ctx context.Context) {
		until(ctx, t, patience, func(ctx context.Context) (bool, string) {
			made, _, err := s.admit(ctx, c.namespace, pod("back", mode(api.ModeHostNetwork), distrolessContainer(hostPort)))
			return err == nil && made.Spec.HostNetwork, "netmode is not back" + errorText(err)
		})
	}
	for _, name := range []string{"netmode-webhook", "netmode-certificates", "netmode-policies"} {
		before := scale(ctx, name, 0)
		cleanUp(ctx, t, func(ctx context.Context) error {
			scale(ctx, name, before)
			if name == "netmode-webhook" { // the last one to come back
				restored(ctx)
			}
			return nil
		})
	}
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		pods, err := s.client.CoreV1().Pods(flags.DefaultNamespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err.Error()
		}
		return len(pods.Items) == 0, fmt.Sprintf("%d pods of netmode are left", len(pods.Items))
	})

	t.Run("others start", func(t *testing.T) {
		c.create(ctx, t, deployment("plain", 1, template("plain", nil, distrolessContainer())), service("plain", nil))
		c.ready(ctx, t, "plain", 1)
	})
	t.Run("those that ask are refused", func(t *testing.T) {
		c.checkRefused(ctx, t, pod("asks", mode(api.ModeHostNetwork), distrolessContainer(hostPort)), `failed calling webhook "asked.mutate.netmode.io"`)
		_, err := s.client.CoreV1().Services(c.namespace).Create(ctx, service("asks", mode(api.ModeHeadless)), metav1.CreateOptions{})
		if want := `failed calling webhook "asked.mutate.netmode.io"`; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("have %v, want %s", err, want)
		}
		late := deployment("late", 1, template("late", mode(api.ModeHostNetwork), distrolessContainer(hostPort)))
		_, err = s.client.AppsV1().Deployments(c.namespace).Create(ctx, late, metav1.CreateOptions{})
		if want := `failed calling webhook "workloads.mutate.netmode.io"`; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("have %v, want %s", err, want)
		}
		// One that was there scales, and gets no pods.
		one := []byte(`{"spec": {"replicas": 1}}`)
		if _, err := s.client.AppsV1().Deployments(c.namespace).Patch(ctx, "asks", types.MergePatchType, one, metav1.PatchOptions{}, "scale"); err != nil {
			t.Fatal(err)
		}
		until(ctx, t, patience, func(ctx context.Context) (bool, string) {
			events, err := s.client.CoreV1().Events(c.namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=FailedCreate"})
			return err == nil && len(events.Items) > 0, "the ReplicaSet has not been refused"
		})
		if pods, err := c.pods(ctx, appLabel("asks")); err != nil || len(pods) > 0 {
			t.Errorf("%d pods started, %v", len(pods), err)
		}
	})
	t.Run("untouched namespaces", func(t *testing.T) {
		s.checkUntouched(ctx, t, metav1.NamespaceSystem)
		s.checkUntouched(ctx, t, flags.DefaultNamespace)
	})
}
