package apps

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var zooKeeper = program{
	name: "ZooKeeper", file: "zookeeper.yaml", version: []string{"dpkg-query", "-W", "-f", "${Version}", "zookeeper"},
	seen: zooKeeperSeen, without: zooKeeperWithout,
}

const zooKeeperServers = "app.kubernetes.io/name=zookeeper"

// A leader is elected by short names; a follower is deleted, and follows again.
func zooKeeperSeen(ctx context.Context, t *testing.T, c *scene) string {
	servers := c.count(ctx, t, zooKeeperServers, 3)
	roles := map[string][]corev1.Pod{}
	for _, server := range servers {
		role := c.zooKeeperMode(ctx, t, server.Name)
		roles[role] = append(roles[role], server)
	}
	if len(roles["leader"]) != 1 || len(roles["follower"]) != 2 {
		t.Fatalf("have %v, want one leader and two followers", roles)
	}
	leader, follower := roles["leader"][0].Name, roles["follower"][0]
	c.zooKeeperNames(ctx, t, follower.Name)
	c.delete(ctx, t, metav1.DeleteOptions{}, follower)
	c.recreated(ctx, t, follower)
	if role := c.zooKeeperMode(ctx, t, follower.Name); role != "follower" {
		t.Errorf("%s has come back as %q", follower.Name, role)
	}
	return fmt.Sprintf("%s leads two followers; %s was deleted and follows again", leader, follower.Name)
}

// zooKeeperMode is the role that a server says it has.
func (s *scene) zooKeeperMode(ctx context.Context, t *testing.T, pod string) string {
	t.Helper()
	said := s.eventually(ctx, t, pod, "echo srvr | nc -w 2 localhost 2181", "Mode: ")
	_, role, _ := strings.Cut(said, "Mode: ")
	role, _, _ = strings.Cut(role, "\n")
	return role
}

// zooKeeperNames checks that a server was told its peers by short names, and by nothing else.
func (s *scene) zooKeeperNames(ctx context.Context, t *testing.T, pod string) {
	t.Helper()
	configured, err := s.bash(ctx, pod, "grep ^server /conf/zoo.cfg | cut -d = -f 2 | cut -d : -f 1 | tr '\n' ' '")
	if want := "zookeeper-0 zookeeper-1 zookeeper-2"; err != nil || configured != want {
		t.Errorf("%s knows %q (%v), want %s", pod, configured, err, want)
	}
}

// No server finds another, and there is no quorum.
func zooKeeperWithout(ctx context.Context, t *testing.T, c *scene) string {
	said := c.says(ctx, t, "zookeeper-0", "UnknownHostException: zookeeper-1")
	answer := c.eventually(ctx, t, "zookeeper-0", "echo srvr | nc -w 2 localhost 2181", "not currently serving requests")
	_, unknown, _ := strings.Cut(said, "java.net.")
	return fmt.Sprintf("%s; srvr: %s", unknown, answer)
}
