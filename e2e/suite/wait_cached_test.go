package suite

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// cachingCorefile keeps every answer for 30 s, that a name does not exist among them, as
// clusters had it for long.
const cachingCorefile = `.:53 {
    kubernetes cluster.local
    cache 30
}
`

// testWaitCached has a pod wait for one that comes seconds later, by a nameserver that keeps
// negative answers: it starts when the other is there, and not when the answer is forgotten.
func testWaitCached(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "cached")
	c.create(ctx, t, service("late", mode(api.ModeStatefulSetHeadless)))
	server := c.cachingDNS(ctx, t)
	client := pod("client", mode(api.ModeStatefulSetHeadless, api.AnnotationService, "late", api.AnnotationWait, "late"), shellContainer())
	client.Labels = nil
	client.Spec.DNSPolicy = corev1.DNSNone
	client.Spec.DNSConfig = &corev1.PodDNSConfig{Nameservers: []string{server}}
	c.create(ctx, t, client)
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		said, err := s.client.CoreV1().Pods(c.namespace).GetLogs("client", &corev1.PodLogOptions{Container: "netmode-wait"}).DoRaw(ctx)
		return len(said) > 0, "the client does not say that it waits" + errorText(err)
	})
	c.create(ctx, t, pod("late", mode(api.ModeStatefulSetHeadless), shellContainer()))
	came := podCondition(c.pod(ctx, t, "late"), corev1.PodReady).LastTransitionTime
	started := podCondition(c.pod(ctx, t, "client"), corev1.PodInitialized).LastTransitionTime
	if after := started.Sub(came.Time); after > 15*time.Second {
		t.Errorf("the client started %s after the pod that it waited for", after)
	}
}

// cachingDNS is the address of a nameserver of the scene's own.
func (s *scene) cachingDNS(ctx context.Context, t *testing.T) string {
	t.Helper()
	own, err := s.client.AppsV1().Deployments("kube-system").Get(ctx, "coredns", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "corefile"}, Data: map[string]string{"Corefile": cachingCorefile}}
	if _, err := s.client.CoreV1().ConfigMaps(s.namespace).Create(ctx, config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "netmode-e2e-" + s.namespace},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:coredns"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: s.namespace, Name: "default"}},
	}
	bindings := s.client.RbacV1().ClusterRoleBindings()
	if _, err := bindings.Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	cleanUp(ctx, t, func(ctx context.Context) error { return bindings.Delete(ctx, binding.Name, metav1.DeleteOptions{}) })
	s.create(ctx, t, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "dns"},
		Spec: corev1.PodSpec{
			DNSPolicy: corev1.DNSDefault, TerminationGracePeriodSeconds: new(int64(1)),
			Containers: []corev1.Container{{
				Name: "dns", Image: own.Spec.Template.Spec.Containers[0].Image, ImagePullPolicy: corev1.PullIfNotPresent, Args: []string{"-conf", "/etc/coredns/Corefile"},
				VolumeMounts: []corev1.VolumeMount{{Name: "corefile", MountPath: "/etc/coredns"}},
			}},
			Volumes: []corev1.Volume{{Name: "corefile", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: config.Name}}}}},
		},
	})
	return s.pod(ctx, t, "dns").Status.PodIP
}
