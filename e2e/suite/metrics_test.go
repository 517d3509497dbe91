package suite

import (
	"context"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/flags"
)

// counted adds up a metric over the webhook's pods, of the lines that have this label.
func (s *suite) counted(ctx context.Context, t *testing.T, metric, label string) float64 {
	t.Helper()
	pods := s.client.CoreV1().Pods(flags.DefaultNamespace)
	list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=webhook"})
	if err != nil || len(list.Items) == 0 {
		t.Fatalf("netmode has %d webhook pods%s", len(list.Items), errorText(err))
	}
	total := 0.0
	for i := range list.Items {
		if !isReady(&list.Items[i]) {
			continue
		}
		text, err := pods.ProxyGet("http", list.Items[i].Name, portOf(t, &list.Items[i], "ops"), "metrics", nil).DoRaw(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			labels, value, ok := strings.Cut(strings.TrimSpace(line), "} ")
			if !ok || !strings.HasPrefix(labels, metric+"{") || !strings.Contains(labels, label) {
				continue
			}
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			total += n
		}
	}
	return total
}

// portOf is the number of the first container's port of this name.
func portOf(t *testing.T, pod *corev1.Pod, name string) string {
	t.Helper()
	for _, port := range pod.Spec.Containers[0].Ports {
		if port.Name == name {
			return strconv.Itoa(int(port.ContainerPort))
		}
	}
	t.Fatalf("pod %s has no port %s", pod.Name, name)
	return ""
}
