package mode_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/plan"
)

const migration = "kubectl get service nimbus -n storm -o json | jq 'del(.spec.clusterIP,.spec.clusterIPs)' | kubectl replace --force -f -"

// serviceUpdates is what both headless modes do when a Service is updated:
// they change nothing, refuse nothing, and tell how to migrate.
func serviceUpdates() []serviceRow {
	const stays = "warned ClusterIPStays spec.clusterIP: 10.96.0.7 stays, because Kubernetes lets nobody change it"
	first := func(kind string) string {
		return stays + ", and a Service of type " + kind + " cannot be headless. " +
			"Set type ClusterIP first, with a second Service for access from outside: the warning then tells how to replace this one"
	}
	const replace = stays + ". To make the Service headless, replace it: " + migration
	rows := []serviceRow{
		{line: "a cluster IP stays, and the warning has the command that migrates", spec: `{"type":"ClusterIP","clusterIP":"10.96.0.7","clusterIPs":["10.96.0.7"],` + selected + `}`,
			want: []string{replace}},
		{line: "without a type, too", spec: `{"clusterIP":"10.96.0.7"}`, want: []string{replace}},
		{line: "whatever else a creation would be told", spec: `{"clusterIP":"10.96.0.7","sessionAffinity":"ClientIP","externalIPs":["192.0.2.1"],"ports":[{"port":80,"targetPort":81}]}`,
			want: []string{replace}},
		{line: "no command that would delete a NodePort and be refused the new one", spec: `{"type":"NodePort","clusterIP":"10.96.0.7"}`, want: []string{first("NodePort")}},
		{line: "nor a LoadBalancer", spec: `{"type":"LoadBalancer","clusterIP":"10.96.0.7"}`, want: []string{first("LoadBalancer")}},
		{line: "a headless Service is fine", spec: `{"clusterIP":"None","clusterIPs":["None"],"publishNotReadyAddresses":false}`},
		{line: "an ExternalName has no cluster IP to lose", spec: `{"type":"ExternalName","externalName":"x.example"}`},
		{line: "an annotation about publishing changes nothing", spec: `{"clusterIP":"None"}`,
			metadata: `{"name":"nimbus","annotations":{"netmode.io/publish-not-ready-addresses":"true"}}`},
	}
	for i := range rows {
		rows[i].line, rows[i].update = "update: "+rows[i].line, true
		if rows[i].metadata == "" {
			rows[i].metadata = `{"name":"nimbus"}`
		}
	}
	return rows
}

// TestMigrationCommandParses pastes the command of the warning into a shell
// that only reads it.
func TestMigrationCommandParses(t *testing.T) {
	parses := func(script string) error {
		sh := exec.CommandContext(t.Context(), "sh", "-n")
		sh.Stdin = strings.NewReader(script + "\n")
		return sh.Run()
	}
	if parses(strings.Replace(migration, "'", "", 1)) == nil {
		t.Fatal("the shell accepts a command with one quote, so its word is worth nothing")
	}
	for _, name := range []api.Mode{api.ModeHeadless, api.ModeStatefulSetHeadless} {
		row := serviceRow{update: true}
		p := row.decide(t, find(t, name), object("Service", `{"name":"nimbus"}`, `{"clusterIP":"10.96.0.7"}`))
		warned := p.Findings(plan.Warned)
		if len(warned) != 1 {
			t.Fatalf("mode %s: want one warning, got %v", name, warned)
		}
		_, command, found := strings.Cut(warned[0].Text, "replace it: ")
		if !found || command != migration {
			t.Errorf("mode %s: the warning must end with the command alone: %s", name, warned[0].Text)
		}
		if err := parses(command); err != nil {
			t.Errorf("mode %s: sh -n: %v: %s", name, err, command)
		}
	}
}

// TestUpdateOnlyWarns holds every mode's rules for updates to it, on Services
// that a creation would change or refuse.
func TestUpdateOnlyWarns(t *testing.T) {
	specs := []string{
		`{}`, `{"clusterIP":""}`, `{"clusterIP":"None"}`, `{"clusterIP":"10.96.0.7"}`, `{"clusterIPs":["10.96.0.7"]}`,
		`{"type":"NodePort","clusterIP":"10.96.0.7"}`, `{"type":"LoadBalancer"}`, `{"type":"ExternalName"}`,
		`{"clusterIP":"None","publishNotReadyAddresses":true}`, `{"sessionAffinity":"ClientIP","externalIPs":["192.0.2.1"]}`,
	}
	for _, m := range mode.Modes() {
		for _, publish := range []string{"", `,"netmode.io/publish-not-ready-addresses":"true"`, `,"netmode.io/publish-not-ready-addresses":"false"`} {
			for _, spec := range specs {
				row := serviceRow{update: true}
				p := row.decide(t, m, object("Service", `{"name":"nimbus","annotations":{"netmode.io/mode":"`+string(m.Name)+`"`+publish+`}}`, spec))
				if len(p.Mutations) > 0 || p.Refused() {
					t.Errorf("mode %s, %s, %s: an update must not be changed or refused: %v", m.Name, publish, spec, p.Trace)
				}
			}
		}
	}
}
