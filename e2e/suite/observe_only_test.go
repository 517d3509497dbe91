package suite

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/e2e/install"
	"github.com/netmode-io/netmode/pkg/api"
)

// testObserveOnly has netmode change and refuse nothing, and count what it would have done, so
// no other test may run at that time.
func testObserveOnly(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "observed")
	host := pod("host", mode(api.ModeHostNetwork), distrolessContainer(hostPort))
	const refused = "spec.containers[0].ports[0].hostPort: Invalid value: 81: differs from containerPort"
	conflicting := pod("conflicting", mode(api.ModeHostNetwork), distrolessContainer(hostPort))
	conflicting.Spec.Containers[0].Ports[0].HostPort = 81
	c.checkRefused(ctx, t, conflicting, refused)

	cleanUp(ctx, t, func(ctx context.Context) error {
		if err := s.install(ctx); err != nil {
			return err
		}
		until(ctx, t, patience, func(ctx context.Context) (bool, string) {
			_, _, err := s.admit(ctx, c.namespace, conflicting)
			return err != nil && strings.Contains(err.Error(), refused), "netmode still only looks" + errorText(err)
		})
		return nil
	})
	if err := install.Into(ctx, s.cluster, "../../deploy/kustomize/observe-only", install.Options{Image: s.image}, os.Stderr); err != nil {
		t.Fatal(err)
	}
	// Pods of before answer until they have ended.
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		_, _, err := s.admit(ctx, c.namespace, conflicting)
		return err == nil, "netmode does not only look yet" + errorText(err)
	})
	counts := func() (float64, float64) {
		const reviews = "netmode_admission_reviews_total"
		return s.counted(ctx, t, reviews, `decision="would-patch"`), s.counted(ctx, t, reviews, `decision="would-refuse"`)
	}
	patch, refuse := counts()
	c.create(ctx, t, host)
	if made, said, err := s.admit(ctx, c.namespace, conflicting); err != nil || made.Spec.HostNetwork || strings.Contains(said, "netmode") {
		t.Errorf("who only looks has refused, changed or warned: %q%s", said, errorText(err))
	}
	if got := c.pod(ctx, t, "host"); got.Status.PodIP == got.Status.HostIP || got.Annotations[api.AnnotationStatus] != "" {
		t.Errorf("who only looks has changed the pod: podIP %s, annotations %v", got.Status.PodIP, got.Annotations)
	}
	if patches, refusals := counts(); patches <= patch || refusals <= refuse {
		t.Errorf("it would patch %g and refuse %g times, after %g and %g", patches, refusals, patch, refuse)
	}
}
