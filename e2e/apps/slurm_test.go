package apps

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var slurm = program{
	name: "Slurm", file: "slurm.yaml", version: []string{"dpkg-query", "-W", "-f", "${Version}", "slurmctld"},
	prepare: slurmSecret, seen: slurmSeen, without: slurmWithout,
}

// slurmController is the pod, and its container's name is the same without the number.
const slurmController = "slurmctld-0"

// slurmSecret is what the example's comment says to do before.
func slurmSecret(ctx context.Context, t *testing.T, c *scene) {
	c.secret(ctx, t, "slurm-munge", corev1.SecretTypeOpaque, map[string]string{"key": strings.Repeat("not a secret, ", 10)})
}

// Compute nodes join under their pods' names as the Deployment grows, and leave as it shrinks.
func slurmSeen(ctx context.Context, t *testing.T, c *scene) string {
	c.ready(ctx, t, slurmController)
	for _, nodes := range []int{3, 5, 2} {
		patch := fmt.Appendf(nil, `{"spec": {"replicas": %d}}`, nodes)
		_, err := c.kube.AppsV1().Deployments(c.namespace).Patch(ctx, "slurmd", types.MergePatchType, patch, metav1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c.slurmRuns(ctx, t, nodes)
	}
	return "srun -N3, -N5 after scaling up, -N2 after scaling down: each prints its NodeName, the pod's generated name; who left is deleted"
}

// slurmRuns checks that Slurm knows the Deployment's pods, under their names, and nobody else, and
// that a job on all of them runs on each.
func (s *scene) slurmRuns(ctx context.Context, t *testing.T, nodes int) {
	t.Helper()
	var want []string
	for _, pod := range s.count(ctx, t, "app.kubernetes.io/component=compute", nodes) {
		want = append(want, pod.Name)
	}
	slices.Sort(want)
	until(ctx, t, func(ctx context.Context) (bool, string) {
		known, err := s.slurm(ctx, "sinfo -hN -o %N | sort")
		return slices.Equal(known, want), fmt.Sprintf("Slurm knows %v (%v), want %v", known, err, want)
	})
	if ran, err := s.slurm(ctx, fmt.Sprintf("srun -N%d hostname | sort", nodes)); err != nil || !slices.Equal(ran, want) {
		t.Errorf("srun -N%d hostname: %v (%v), want %v", nodes, ran, err, want)
	}
}

// slurm runs a script in the controller's pod, for half a minute at most, and returns the words that
// it printed.
func (s *scene) slurm(ctx context.Context, script string) ([]string, error) {
	out, err := s.execIn(ctx, slurmController, "slurmctld", "timeout", "30", "bash", "-o", "pipefail", "-c", script)
	return strings.Fields(out), err
}

// No slurmd finds its controller.
func slurmWithout(ctx context.Context, t *testing.T, c *scene) string {
	c.ready(ctx, t, slurmController)
	var pods []corev1.Pod
	until(ctx, t, func(ctx context.Context) (bool, string) {
		var err error
		pods, err = c.pods(ctx, "app.kubernetes.io/component=compute")
		return len(pods) == 3, fmt.Sprintf("%d pods %v", len(pods), err)
	})
	const unknown = `Unable to resolve "slurmctld-0"`
	c.says(ctx, t, pods[0].Name, unknown)
	if known, err := c.slurm(ctx, "sinfo -hN -o %N"); err != nil || len(known) > 0 {
		t.Errorf("Slurm knows %v (%v), want nobody", known, err)
	}
	return "slurmd: " + unknown + "; sinfo: no nodes"
}
