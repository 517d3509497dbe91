package apps

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

var postgreSQL = program{
	name: "PostgreSQL", file: "database.yaml", version: []string{"bash", "-c", "dpkg-query -W -f '${Version}' postgresql-15"},
	prepare: postgreSQLSecret, seen: postgreSQLSeen, without: postgreSQLWithout,
}

const postgreSQLPassword = "not-a-secret"

// postgreSQLSecret is what the example's comment says to do before.
func postgreSQLSecret(ctx context.Context, t *testing.T, c *scene) {
	c.secret(ctx, t, "ledger-db", corev1.SecretTypeOpaque, map[string]string{"password": postgreSQLPassword})
}

// A client that connects by the Service's name sees that name as the server's hostname, and the
// address that it resolved as the server's own.
func postgreSQLSeen(ctx context.Context, t *testing.T, c *scene) string {
	hostname, address, resolved := c.whichServer(ctx, t)
	if hostname != "ledger-db" || address != resolved {
		t.Errorf("ledger-db is %s; behind it is %s at %s", resolved, hostname, address)
	}
	return fmt.Sprintf("psql -h ledger-db: hostname %s, inet_server_addr() is what ledger-db resolves to", hostname)
}

// The server has another hostname, and another address than the one that was dialled.
func postgreSQLWithout(ctx context.Context, t *testing.T, c *scene) string {
	hostname, address, resolved := c.whichServer(ctx, t)
	if hostname == "ledger-db" || address == resolved {
		t.Errorf("ledger-db is %s; behind it is %s at %s: nothing fails", resolved, hostname, address)
	}
	return fmt.Sprintf("psql -h ledger-db: hostname %s, inet_server_addr() is not what ledger-db resolves to", hostname)
}

// whichServer is what the server says that it is, and what the client resolves its name to.
func (s *scene) whichServer(ctx context.Context, t *testing.T) (hostname, address, resolved string) {
	t.Helper()
	s.count(ctx, t, "app.kubernetes.io/name=postgresql", 1)
	script := "export PGPASSWORD=" + postgreSQLPassword + `; psql -qAt -F ' ' -h ledger-db -U ledger ledger -c "
		create temp table h (name text); copy h from program 'hostname'; select 'server', name, host(inet_server_addr()) from h" &&
		getent ahostsv4 ledger-db | head -n 1`
	fields := strings.Fields(s.eventually(ctx, t, clientPod, script, "server "))
	if len(fields) < 4 {
		t.Fatalf("have %q", fields)
	}
	return fields[1], fields[2], fields[3]
}
