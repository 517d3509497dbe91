package workload_test

import (
	"slices"
	"testing"

	"github.com/netmode-io/netmode/pkg/workload"
)

func TestIsKind(t *testing.T) {
	groups := map[string]string{"Deployment": "apps", "StatefulSet": "apps", "DaemonSet": "apps", "Job": "batch", "CronJob": "batch"}
	for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "Pod", "Service", "deployment", ""} {
		for _, group := range []string{"apps", "batch", "", "extensions"} {
			for _, version := range []string{"v1", "v1beta1", ""} {
				want := groups[kind] != "" && group == groups[kind] && version == "v1"
				if got := workload.IsKind(group, version, kind); got != want {
					t.Errorf("%s/%s %s: %v, want %v", group, version, kind, got, want)
				}
			}
		}
		w := workload.Workload{Kind: kind}
		if want := groups[kind] != ""; w.Copies() != want || slices.Contains(workload.Kinds(), kind) != want {
			t.Errorf("%s: copies %v, want %v", kind, w.Copies(), want)
		}
	}
}
