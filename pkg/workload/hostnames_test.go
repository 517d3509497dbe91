package workload_test

import (
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/workload"
)

// The longest hostname that the controller gives a pod, by what its author wrote.
func TestLastHostname(t *testing.T) {
	const template = ", template: {}"
	indexed := "completionMode: Indexed" + template
	for _, tt := range []struct{ apiVersion, kind, name, spec, want, by string }{
		{"apps/v1", "StatefulSet", "name: db", "replicas: 12" + template, "db-11", "spec.replicas"},
		{"apps/v1", "StatefulSet", "name: db", "replicas: 0" + template, "db-0", "spec.replicas"},
		{"apps/v1", "StatefulSet", "name: db", "replicas: 2147483647, ordinals: {start: 2147483647}" + template, "db-4294967293", "spec.replicas"},
		{"apps/v1", "StatefulSet", "name: db", "replicas: 3, ordinals: {start: 98}" + template, "db-100", "spec.replicas"},
		{"apps/v1", "StatefulSet", "generateName: db-", "replicas: 1" + template, "db-xxxxx-0", "spec.replicas"},
		{"apps/v1", "StatefulSet", "generateName: " + strings.Repeat("d", 70), "replicas: 1" + template, strings.Repeat("d", 58) + "xxxxx-0", "spec.replicas"},
		{"batch/v1", "Job", "name: rank", "completions: 101, parallelism: 2, " + indexed, "rank-100", "spec.completions"},
		{"batch/v1", "Job", "name: rank", indexed, "rank-0", "spec.completions"},
		{"batch/v1", "Job", "name: rank", "completions: 101" + template, "", ""},
		{"batch/v1", "CronJob", "name: nightly", "jobTemplate: {spec: {completions: 11, " + indexed + "}}", "nightly-00000000-10", "spec.jobTemplate.spec.completions"},
		{"apps/v1", "Deployment", "name: web", "replicas: 12" + template, "", ""},
	} {
		t.Run(tt.kind+" "+tt.want, func(t *testing.T) {
			o := only(t, "apiVersion: "+tt.apiVersion+"\nkind: "+tt.kind+"\nmetadata: {"+tt.name+"}\nspec: {"+strings.TrimPrefix(tt.spec, ", ")+"}\n")
			got, err := workload.Parse(o.APIVersion, o.Kind, o.JSON, "storm")
			if err != nil {
				t.Fatal(err)
			}
			if w := got.Workload; w.LastHostname != tt.want || w.HostnamesField != tt.by {
				t.Errorf("%q by %q, want %q by %q", w.LastHostname, w.HostnamesField, tt.want, tt.by)
			}
		})
	}
}
