package workload_test

import (
	"testing"

	"github.com/netmode-io/netmode/pkg/workload"
)

func TestIsOld(t *testing.T) {
	for object, want := range map[[2]string]bool{
		{"extensions/v1beta1", "Deployment"}:          true,
		{"apps/v1beta1", "StatefulSet"}:               true,
		{"apps/v1beta2", "DaemonSet"}:                 true,
		{"batch/v1beta1", "CronJob"}:                  true,
		{"batch/v2alpha1", "CronJob"}:                 true,
		{"extensions/v1beta1", "ReplicaSet"}:          true,
		{"extensions/v1beta1", "Ingress"}:             false,
		{"apps/v1", "Deployment"}:                     false,
		{"apps/v2", "Deployment"}:                     false,
		{"apps.kruise.io/v1beta1", "StatefulSet"}:     false,
		{"batch.volcano.sh/v1alpha1", "Job"}:          false,
		{"v1beta1", "Pod"}:                            false,
		{"argoproj.io/v1alpha1", "Rollout"}:           false,
		{"batch/v1beta1", "Deployment"}:               false,
		{"serving.knative.dev/v1alpha1", "CronJob"}:   false,
		{"extensions.example.com/v1beta1", "CronJob"}: false,
	} {
		if got := workload.IsOld(object[0], object[1]); got != want {
			t.Errorf("%s %s: got %t", object[0], object[1], got)
		}
	}
}
