package suite

import (
	"context"
	"slices"
	"strconv"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"github.com/netmode-io/netmode/pkg/api"
)

// testPeersBeforeReady has two pods that each become ready only once they have resolved the
// other: without publishNotReadyAddresses they would wait for ever.
func testPeersBeforeReady(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "peers")
	c.create(ctx, t, service("peers", mode(api.ModeStatefulSetHeadless)))
	for set, peer := range map[string]string{"left": "right-0", "right": "left-0"} {
		waiting := peercheck(servePort, "wait-for-peer", "--listen", ":"+strconv.Itoa(servePort), peer)
		c.create(ctx, t, statefulSet(set, "peers", 1, template("peers", mode(api.ModeStatefulSetHeadless), waiting)))
	}
	pods := c.ready(ctx, t, "peers", 2)
	if !slices.ContainsFunc(pods[0].Spec.DNSConfig.Searches, func(search string) bool { return search == "peers."+c.namespace+".svc."+domain }) {
		t.Errorf("searches %s", pods[0].Spec.DNSConfig.Searches)
	}
}

// testScaled checks that names come with new pods and go with old ones.
func testScaled(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "scaled")
	c.create(ctx, t, service("db", mode(api.ModeStatefulSetHeadless)))
	c.create(ctx, t, statefulSet("db", "db", 2, template("db", mode(api.ModeStatefulSetHeadless), distrolessContainer())))
	c.checkMesh(ctx, t, 2)
	c.scale(ctx, t, "db", 3)
	c.checkMesh(ctx, t, 3)
	c.scale(ctx, t, "db", 1)
	c.ready(ctx, t, "db", 1)
	until(ctx, t, dnsBound, func(ctx context.Context) (bool, string) {
		have, err := c.exec(ctx, "db-0", distroless, resolve("db-1")...)
		return err != nil, "db-1 is gone, and still resolves to " + have
	})
	c.scale(ctx, t, "db", 2)
	c.checkMesh(ctx, t, 2)
}

// scale sets the replicas of a StatefulSet, whose status its controller may write meanwhile.
func (s *scene) scale(ctx context.Context, t *testing.T, name string, replicas int32) {
	t.Helper()
	sets := s.client.AppsV1().StatefulSets(s.namespace)
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		scale, err := sets.GetScale(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		scale.Spec.Replicas = replicas
		_, err = sets.UpdateScale(ctx, name, scale, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// checkMesh waits for so many pods of the app db and checks that each resolves every other by its short name.
func (s *scene) checkMesh(ctx context.Context, t *testing.T, count int) {
	t.Helper()
	pods := s.ready(ctx, t, "db", count)
	for i := range pods {
		for j := range pods {
			if i != j {
				s.eventually(ctx, t, dnsBound, pods[j].Status.PodIP, pods[i].Name, distroless, resolve(pods[j].Name)...)
			}
		}
	}
}
