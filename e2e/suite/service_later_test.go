package suite

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

const (
	// backOffBound is how long a controller may wait before it makes a pod again that was
	// refused. It waits twice as long after each refusal, up to 1,000 seconds.
	backOffBound = 3 * time.Minute
	// refusals are what the Service is later by.
	refusals = 8
)

// testServiceLater has workloads that are there before their Service.
func testServiceLater(ctx context.Context, t *testing.T, s *suite) {
	t.Run("derived", func(t *testing.T) {
		t.Parallel()
		c := s.scene(ctx, t, "later")
		c.create(ctx, t, pod("client", nil, distrolessContainer()))
		c.create(ctx, t, deployment("db", 1, template("db", mode(api.ModeHeadless), distrolessContainer())))
		want := "the pod names no governing Service, and no headless Service of namespace " + c.namespace + " selects it: " +
			"name it with the annotation netmode.io/service on the pod template"
		until(ctx, t, patience, func(ctx context.Context) (bool, string) {
			events, err := s.client.CoreV1().Events(c.namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=FailedCreate"})
			if err != nil {
				return false, err.Error()
			}
			seen := int32(0)
			for i := range events.Items {
				if strings.Contains(events.Items[i].Message, want) {
					seen += max(events.Items[i].Count, 1)
				}
			}
			return seen >= refusals, fmt.Sprintf("the ReplicaSet has been refused %d times, not %d, with: %s", seen, refusals, want)
		})

		c.create(ctx, t, service("db", mode(api.ModeHeadless)))
		began := time.Now()
		until(ctx, t, backOffBound, func(ctx context.Context) (bool, string) {
			pods, err := c.pods(ctx, appLabel("db"))
			return err == nil && len(pods) == 1, fmt.Sprintf("the ReplicaSet has made no pod%s", c.lastEvent(ctx))
		})
		t.Logf("the pod came %.1f s after the Service, behind %d refusals", time.Since(began).Seconds(), refusals)
		db := c.ready(ctx, t, "db", 1)[0]
		c.pod(ctx, t, "client")
		c.eventually(ctx, t, dnsBound, db.Status.PodIP, "client", distroless, resolve("db")...)
	})
	t.Run("named", func(t *testing.T) {
		t.Parallel()
		c := s.scene(ctx, t, "later")
		asked := mode(api.ModeStatefulSetHeadless, api.AnnotationService, "peers")
		lone := pod("db-0", asked, distrolessContainer())
		_, said, err := s.admit(ctx, c.namespace, lone)
		if err != nil {
			t.Fatal(err)
		}
		if want := "there is no Service peers in namespace " + c.namespace; !strings.Contains(said, want) {
			t.Errorf("have the warnings %q, want %q", said, want)
		}
		pods := template("db", asked, distrolessContainer())
		pods.Labels["of"] = "peers"
		c.create(ctx, t, statefulSet("db", "peers", 2, pods))
		c.ready(ctx, t, "db", 2)
		if have, err := c.exec(ctx, "db-0", distroless, resolve("db-1")...); err == nil {
			t.Errorf("db-1 resolves to %s without a Service", have)
		}
		peers := service("peers", mode(api.ModeStatefulSetHeadless))
		peers.Spec.Selector = map[string]string{"of": "peers"}
		c.create(ctx, t, peers)
		c.checkMesh(ctx, t, 2)
	})
}
