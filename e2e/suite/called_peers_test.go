package suite

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// testCalledPeers has pods without a mode call those of two Services by short names, one of
// them in another namespace. A pod there has the name of a Service next door, and must not
// answer for it.
func testCalledPeers(ctx context.Context, t *testing.T, s *suite) {
	far, near := s.scene(ctx, t, "far"), s.scene(ctx, t, "near")
	far.create(ctx, t, service("zk", mode(api.ModeStatefulSetHeadless)), behind("zk", "zk-0"), behind("zk", "db"))
	near.create(ctx, t, service("db", nil), service("workers", mode(api.ModeStatefulSetHeadless)), behind("workers", "worker-0"))
	for _, strategy := range strategies() {
		near.create(ctx, t, caller(strategy, "workers,zk."+far.namespace))
	}
	db, err := s.client.CoreV1().Services(near.namespace).Get(ctx, "db", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	addresses := map[string]string{
		"db":       db.Spec.ClusterIP,
		"zk-0":     far.pod(ctx, t, "zk-0").Status.PodIP,
		"worker-0": near.pod(ctx, t, "worker-0").Status.PodIP,
	}
	far.pod(ctx, t, "db")
	for _, strategy := range strategies() {
		t.Run(string(strategy), func(t *testing.T) {
			client := near.pod(ctx, t, string(strategy))
			for name, address := range addresses {
				near.eventually(ctx, t, patience, address, client.Name, distroless, resolve(name)...)
			}
		})
	}
}

// behind is a pod of the Service.
func behind(service, name string) *corev1.Pod {
	made := pod(name, mode(api.ModeStatefulSetHeadless, api.AnnotationService, service), distrolessContainer())
	made.Labels = appLabel(service)
	return made
}

// caller is a pod without a mode, named for the strategy. Only the container with a shell is
// root, so that hooks suit no other.
func caller(strategy api.SearchRewrite, peers string) *corev1.Pod {
	noShell := distrolessContainer()
	noShell.SecurityContext = &corev1.SecurityContext{RunAsUser: new(int64(1000))}
	return pod(string(strategy), map[string]string{api.AnnotationPeers: peers, api.AnnotationSearchRewrite: string(strategy)}, shellContainer(), noShell)
}
