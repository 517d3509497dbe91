package apps

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var mariaDB = program{
	name: "MariaDB", file: "mariadb.yaml", version: []string{"dpkg-query", "-W", "-f", "${Version}", "mariadb-server"},
	prepare: mariaDBSecret, seen: mariaDBSeen, without: mariaDBWithout,
}

const mariaDBNodes = "app.kubernetes.io/name=mariadb"

// mariaDBSecret is what the example's comment says to do before.
func mariaDBSecret(ctx context.Context, t *testing.T, c *scene) {
	c.secret(ctx, t, "mariadb", corev1.SecretTypeOpaque, map[string]string{"root-password": "not-a-secret"})
}

// askMariaDB is a script that asks a node, in its own pod.
func askMariaDB(statement string) string {
	return `MYSQL_PWD=$MARIADB_ROOT_PASSWORD mariadb -uroot -Ne "` + statement + `"`
}

// Three nodes are one cluster. One is killed, gets a copy when it is back, and has what was written in
// between.
func mariaDBSeen(ctx context.Context, t *testing.T, c *scene) string {
	nodes := c.count(ctx, t, mariaDBNodes, 3)
	c.mariaDBWhole(ctx, t)
	c.eventually(ctx, t, "mariadb-0", askMariaDB("create database if not exists orders; create or replace table orders.o (id int primary key); insert into orders.o values (1); select count(*) from orders.o"), "1")
	c.delete(ctx, t, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}, nodes[2])
	c.eventually(ctx, t, "mariadb-1", askMariaDB("replace into orders.o values (2); select count(*) from orders.o"), "2")
	c.recreated(ctx, t, nodes[2])
	c.says(ctx, t, nodes[2].Name, "--role 'joiner' --address 'mariadb-2'")
	c.says(ctx, t, nodes[2].Name, "Shifting JOINER -> JOINED")
	c.mariaDBWhole(ctx, t)
	c.eventually(ctx, t, nodes[2].Name, askMariaDB("select count(*) from orders.o"), "2")
	return fmt.Sprintf("three nodes, by short names; %s was killed, came back, was sent a copy at its name, and has what was written in between", nodes[2].Name)
}

// mariaDBWhole waits until every node is in sync with two others, which it knows by short names.
func (s *scene) mariaDBWhole(ctx context.Context, t *testing.T) {
	t.Helper()
	for i := range 3 {
		node := fmt.Sprintf("mariadb-%d", i)
		s.eventually(ctx, t, node, askMariaDB("show status like 'wsrep_cluster_size'"), "wsrep_cluster_size\t3")
		s.eventually(ctx, t, node, askMariaDB("show status like 'wsrep_local_state_comment'"), "Synced")
		// Not the status wsrep_incoming_addresses: it may lack who joined while this node joined.
		s.eventually(ctx, t, node, askMariaDB("select group_concat(node_incoming_address order by node_name) from mysql.wsrep_cluster_members"), "mariadb-0:0,mariadb-1:0,mariadb-2:0")
	}
}

// The others find no cluster to join.
func mariaDBWithout(ctx context.Context, t *testing.T, c *scene) string {
	c.ready(ctx, t, "mariadb-0")
	said := c.says(ctx, t, "mariadb-1", "Failed to resolve")
	c.eventually(ctx, t, "mariadb-0", askMariaDB("show status like 'wsrep_cluster_size'"), "wsrep_cluster_size\t1")
	_, said, _ = strings.Cut(said, "WSREP: ")
	return fmt.Sprintf("mariadb-1: %s; mariadb-0 alone: wsrep_cluster_size 1", said)
}
