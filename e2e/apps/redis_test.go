package apps

import (
	"context"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var redis = program{
	name: "Redis", file: "redis.yaml", version: []string{"dpkg-query", "-W", "-f", "${Version}", "redis-server"},
	seen: redisSeen, without: redisWithout,
}

const (
	redisNodes  = "app.kubernetes.io/name=redis"
	redisCreate = "sh /etc/redis-cluster/create 2>&1"
	redisState  = "redis-cli cluster info"
)

// Six nodes make a cluster and announce hostnames. All are made anew at once, with other addresses,
// and are a cluster again.
func redisSeen(ctx context.Context, t *testing.T, c *scene) string {
	before := c.count(ctx, t, redisNodes, 6)
	c.eventually(ctx, t, "redis-0", redisCreate, "All 16384 slots covered")
	c.redisWhole(ctx, t)
	c.eventually(ctx, t, "redis-0", "redis-cli -c -h redis-3 set color green", "OK")
	known := c.eventually(ctx, t, "redis-0", "redis-cli cluster nodes", "redis-5")
	for i := range 6 {
		if name := fmt.Sprintf(",redis-%d ", i); strings.Count(known, name) != 1 {
			t.Errorf("want one %q in\n%s", name, known)
		}
	}
	addresses := map[string]bool{}
	for _, pod := range before {
		addresses[pod.Status.PodIP] = true
	}
	c.delete(ctx, t, metav1.DeleteOptions{GracePeriodSeconds: new(int64(1))}, before...)
	c.recreated(ctx, t, before...)
	for _, pod := range c.count(ctx, t, redisNodes, 6) {
		if addresses[pod.Status.PodIP] {
			t.Errorf("%s has an address of before, %s: it shows less", pod.Name, pod.Status.PodIP)
		}
	}
	c.redisWhole(ctx, t)
	if color, err := c.bash(ctx, "redis-1", "redis-cli -c -h redis-4 get color"); err != nil || color != "green" {
		t.Errorf("color is %q (%v), want green", color, err)
	}
	return "six announce their hostnames; all re-created at once, with other addresses: cluster_state:ok, 6 known, and what was set is there"
}

// redisWhole waits until every node says that the cluster works, and knows all six.
func (s *scene) redisWhole(ctx context.Context, t *testing.T) {
	t.Helper()
	for i := range 6 {
		name := fmt.Sprintf("redis-%d", i)
		s.eventually(ctx, t, name, redisState, "cluster_state:ok")
		s.eventually(ctx, t, name, redisState, "cluster_known_nodes:6")
		s.eventually(ctx, t, name, "redis-cli cluster nodes | grep -c ' connected' || true", "6")
	}
}

// The hostnames that the nodes announce resolve for nobody.
func redisWithout(ctx context.Context, t *testing.T, c *scene) string {
	c.count(ctx, t, redisNodes, 6)
	_, err := c.bash(ctx, "redis-0", redisCreate)
	const unknown = "redis-1 does not resolve"
	if err == nil || !strings.Contains(err.Error(), unknown) {
		t.Fatalf("create: %v, want %q", err, unknown)
	}
	c.eventually(ctx, t, "redis-0", redisState, "cluster_state:fail")
	return "create: " + unknown + "; cluster_state:fail"
}
