package suite

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/netmode-io/netmode/e2e/cluster"
	"github.com/netmode-io/netmode/e2e/install"
)

const (
	// patience is for what takes a cluster seconds, on a machine that is busy.
	patience = 3 * time.Minute
	// installTimeout is for netmode's own pods and their first certificate.
	installTimeout = 4 * time.Minute
	// cleanTimeout is for all that a test leaves, after ctx has ended too.
	cleanTimeout = 2 * time.Minute
	// endEarly is kept of the time that go test -timeout gives, to clean up in.
	endEarly = 3 * time.Minute
)

// suite is a cluster with netmode in it.
type suite struct {
	cluster *cluster.Cluster
	image   string
	config  *rest.Config
	client  kubernetes.Interface
	dumps   *dumps
	costs   *costs
}

// twoNodes says whether a test across nodes is possible. With one node such a test checks all
// the rest.
func (s *suite) twoNodes() bool { return len(s.cluster.Nodes) > 1 }

func TestEndToEnd(t *testing.T) {
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if deadline, ok := t.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-endEarly))
		defer cancel()
	}
	s := start(ctx, t)

	t.Run("together", func(t *testing.T) {
		for _, test := range []struct {
			name string
			run  func(context.Context, *testing.T, *suite)
		}{
			// The longest ones first.
			{"certificate renewed", testCertificateRenewed},
			{"statefulset-headless", testStatefulSetHeadless},
			{"hostnetwork", testHostNetwork},
			{"headless", testHeadless},
			{"annotated workloads", testWorkloads},
			{"NetworkModePolicy", testNetworkModePolicy},
			{"mode of a namespace", testNamespaceMode},
			{"peers before they are ready", testPeersBeforeReady},
			{"called peers", testCalledPeers},
			{"scaled", testScaled},
			{"rescheduled", testRescheduled},
			{"Service later", testServiceLater},
			{"Indexed Job", testIndexedJob},
			{"generated names", testGeneratedNames},
			{"wait", testWait},
			{"wait beside a cache", testWaitCached},
			{"annotation of another webhook", testLateAnnotation},
			{"annotation of a policy", testPolicyAnnotation},
			{"webhook on the host network", testWebhookOnHostNetwork},
			{"untouched namespaces", testUntouchedNamespaces},
		} {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				test.run(ctx, t, s)
			})
		}
	})
	t.Run("alone", func(t *testing.T) {
		t.Run("queries by strategy", func(t *testing.T) { s.costs.report(t) })
		t.Run("drained", func(t *testing.T) { testDrained(ctx, t, s) })
		t.Run("observe only", func(t *testing.T) { testObserveOnly(ctx, t, s) })
		t.Run("netmode gone", func(t *testing.T) { testNetmodeGone(ctx, t, s) })
	})
}

// start brings up the cluster, and netmode in it. A cluster that was made for this run is
// removed after it, unless KEEP=1.
func start(ctx context.Context, t *testing.T) *suite {
	t.Helper()
	image := os.Getenv("IMAGE")
	if image == "" {
		t.Fatal("IMAGE names no image of netmode: make e2e builds one and sets it")
	}
	options, err := cluster.FromEnv(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	options.Progress = os.Stderr
	c, err := cluster.Up(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	if c.Made && !options.Keep {
		cleanUp(ctx, t, c.Down)
	}
	s := &suite{cluster: c, image: image, config: c.Config(), dumps: &dumps{dir: os.Getenv("ARTIFACTS")}, costs: &costs{}}
	s.config.QPS = -1 // tests wait for the cluster, not for their client
	s.config.WarningHandler = rest.NoWarnings{}
	if s.client, err = kubernetes.NewForConfig(s.config); err != nil {
		t.Fatal(err)
	}
	if err := s.install(ctx); err != nil {
		s.dumpNetmode(ctx, t)
		t.Fatal(err)
	}
	return s
}

// install brings netmode into the cluster as deploy/ ships it, but for the image.
func (s *suite) install(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, installTimeout, fmt.Errorf("not installed within %s", installTimeout))
	defer cancel()
	return install.Into(ctx, s.cluster, "../../deploy/kustomize/base", install.Options{Image: s.image}, os.Stderr)
}
