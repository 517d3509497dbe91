package suite

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// dnsBound is how long the cluster's DNS may take to follow a change: a record's 30 seconds,
// and the time of the controllers before it, on a busy machine.
const dnsBound = time.Minute

func testHeadless(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "headless")
	c.create(ctx, t, service("db", mode(api.ModeHeadless)))
	c.create(ctx, t, deployment("db", 1, template("db", mode(api.ModeHeadless), shellContainer(), distrolessContainer())))
	c.create(ctx, t, pod("client", nil, shellContainer(), distrolessContainer()))
	db := c.ready(ctx, t, "db", 1)[0]
	c.pod(ctx, t, "client")

	t.Run("nslookup", func(t *testing.T) {
		until(ctx, t, dnsBound, func(ctx context.Context) (bool, string) {
			answer, err := c.exec(ctx, "client", shell, "nslookup", "db")
			return slices.Equal(found(answer), []string{db.Status.PodIP}), "want " + db.Status.PodIP + ", have " + answer + errorText(err)
		})
	})
	t.Run("hostname", func(t *testing.T) {
		if have := c.mustExec(ctx, t, db.Name, shell, "hostname"); have != "db" {
			t.Errorf("have %s, want db", have)
		}
	})
	t.Run("full name", func(t *testing.T) {
		full := c.mustExec(ctx, t, db.Name, shell, "hostname", "-f")
		if want := "db.db." + c.namespace + ".svc." + domain; full != want {
			t.Errorf("hostname -f: have %s, want %s", full, want)
		}
		c.eventually(ctx, t, dnsBound, db.Status.PodIP, "client", distroless, resolve(full)...)
		c.eventually(ctx, t, dnsBound, "db sees "+c.pod(ctx, t, "client").Status.PodIP, "client", shell, fetch(full, servePort)...)
	})
	t.Run("Service", func(t *testing.T) {
		made, err := s.client.CoreV1().Services(c.namespace).Get(ctx, "db", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if made.Spec.ClusterIP != corev1.ClusterIPNone || made.Spec.PublishNotReadyAddresses {
			t.Errorf("clusterIP %s, publishNotReadyAddresses %t", made.Spec.ClusterIP, made.Spec.PublishNotReadyAddresses)
		}
	})
}

// found are the addresses in an answer of nslookup, without that of the server, which has a
// port. Busybox asks for the name in every domain of the search list, and tells of each.
func found(answer string) []string {
	var addresses []string
	for line := range strings.Lines(answer) {
		if address, ok := strings.CutPrefix(strings.TrimSpace(line), "Address: "); ok {
			addresses = append(addresses, strings.TrimSpace(address))
		}
	}
	return addresses
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}
