package apps

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var openMPI = program{
	name: "OpenMPI", file: "mpi-job.yaml", version: []string{"dpkg-query", "-W", "-f", "${Version}", "openmpi-bin"},
	prepare: openMPISecret, seen: openMPISeen, without: openMPIWithout,
}

// openMPISecret is what the example's comment says to do before.
func openMPISecret(ctx context.Context, t *testing.T, c *scene) {
	private := c.client(ctx, t, "bash", "-c", "ssh-keygen -q -t rsa -b 4096 -N '' -f /tmp/id_rsa && cat /tmp/id_rsa") + "\n"
	public := c.client(ctx, t, "cat", "/tmp/id_rsa.pub") + "\n"
	c.secret(ctx, t, "mpi-pi-ssh", corev1.SecretTypeSSHAuth, map[string]string{"ssh-privatekey": private, "ssh-publickey": public})
}

// Each rank's hostname is the name in the host file that mpirun called it by: two slots a host, in
// the order of the file.
func openMPISeen(ctx context.Context, t *testing.T, c *scene) string {
	launcher := c.launcher(ctx, t)
	c.says(ctx, t, launcher, "pi is 3.141593")
	var want, got []string
	for i := range 4 {
		want = append(want, fmt.Sprintf("rank %d mpi-pi-%d", 2*i, i), fmt.Sprintf("rank %d mpi-pi-%d", 2*i+1, i))
	}
	for line := range strings.Lines(c.logs(ctx, launcher)) {
		if strings.HasPrefix(line, "rank ") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("have %q\nwant %q", got, want)
	}
	until(ctx, t, func(ctx context.Context) (bool, string) {
		job, err := c.kube.BatchV1().Jobs(c.namespace).Get(ctx, "mpi-pi", metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		done := slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
			return c.Type == batchv1.JobComplete && c.Status == corev1.ConditionTrue
		})
		return done, fmt.Sprintf("the Job is not complete: %+v", job.Status)
	})
	return strings.Join(got, ", ") + "; pi is 3.141593, the Job is complete"
}

// launcher waits for the pod of index 0.
func (s *scene) launcher(ctx context.Context, t *testing.T) string {
	t.Helper()
	var name string
	until(ctx, t, func(ctx context.Context) (bool, string) {
		pods, err := s.pods(ctx, "batch.kubernetes.io/job-completion-index=0")
		if err != nil || len(pods) == 0 {
			return false, fmt.Sprintf("no pod of index 0 %v", err)
		}
		name = pods[0].Name
		return true, ""
	})
	return name
}

// mpirun finds nobody: with all four pods running, the init container of pod 0 waits for mpi-pi-1,
// whom mpirun, called there by hand, does not find either.
func openMPIWithout(ctx context.Context, t *testing.T, c *scene) string {
	launcher := c.launcher(ctx, t)
	until(ctx, t, func(ctx context.Context) (bool, string) {
		pods, err := c.pods(ctx, "job-name=mpi-pi")
		for i := range pods {
			if pods[i].Status.PodIP == "" {
				return false, state(&pods[i])
			}
		}
		return len(pods) == 4, fmt.Sprintf("%d pods %v", len(pods), err)
	})
	c.says(ctx, t, launcher, "waiting for mpi-pi-1")
	_, err := c.execIn(ctx, launcher, "wait-for-peers", "bash", "-c", "mpirun -n 1 -H mpi-pi-1 hostname 2>&1")
	const unknown = "Could not resolve hostname mpi-pi-1"
	if err == nil || !strings.Contains(err.Error(), unknown) {
		t.Fatalf("mpirun -H mpi-pi-1: %v, want %q", err, unknown)
	}
	return "waiting for mpi-pi-1 without end; ssh: " + unknown
}
