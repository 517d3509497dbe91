package suite

import (
	"context"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/netmode-io/netmode/pkg/api"
)

var (
	deployments  = appsv1.SchemeGroupVersion.WithResource("deployments")
	statefulSets = appsv1.SchemeGroupVersion.WithResource("statefulsets")
	daemonSets   = appsv1.SchemeGroupVersion.WithResource("daemonsets")
	jobs         = batchv1.SchemeGroupVersion.WithResource("jobs")
)

// testWorkloads annotates workloads, and not their pod templates.
func testWorkloads(ctx context.Context, t *testing.T, s *suite) {
	for name, test := range map[string]func(context.Context, *testing.T, *scene){
		"Deployment":    testAnnotatedDeployment,
		"StatefulSet":   testAnnotatedStatefulSet,
		"DaemonSet":     testAnnotatedDaemonSet,
		"Job":           testAnnotatedJob,
		"suspended Job": testSuspendedJob,
		"CronJob":       testAnnotatedCronJob,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(ctx, t, s.scene(ctx, t, "annotated"))
		})
	}
}

func testAnnotatedDeployment(ctx context.Context, t *testing.T, c *scene) {
	c.create(ctx, t, deployment("gate", 1, template("gate", nil, distrolessContainer(hostPortWorkload))))
	if gate := c.ready(ctx, t, "gate", 1)[0]; gate.Spec.HostNetwork || gate.Status.PodIP == gate.Status.HostIP {
		t.Errorf("nobody asked, and it has its node's address %s", gate.Status.PodIP)
	}
	c.annotate(ctx, t, deployments, "gate", `"hostnetwork"`)
	if gate := c.onHostNetwork(ctx, t, "gate", 1, true)[0]; gate.Status.PodIP != gate.Status.HostIP {
		t.Errorf("podIP %s, hostIP %s", gate.Status.PodIP, gate.Status.HostIP)
	}
	c.annotate(ctx, t, deployments, "gate", "null")
	gate := c.onHostNetwork(ctx, t, "gate", 1, false)[0]
	if gate.Status.PodIP == gate.Status.HostIP || gate.Annotations[api.AnnotationCopied] != "" || gate.Spec.DNSPolicy != corev1.DNSClusterFirst {
		t.Errorf("it did not go back: podIP %s, hostIP %s, dnsPolicy %s, annotations %v", gate.Status.PodIP, gate.Status.HostIP, gate.Spec.DNSPolicy, gate.Annotations)
	}
}

// A StatefulSet that runs, of peers that do not find each other by their short names, does.
func testAnnotatedStatefulSet(ctx context.Context, t *testing.T, c *scene) {
	headless := service("db", nil)
	headless.Spec.ClusterIP = corev1.ClusterIPNone
	c.create(ctx, t, headless, statefulSet("db", "db", 2, template("db", nil, distrolessContainer())))
	c.ready(ctx, t, "db", 2)
	if address, err := c.exec(ctx, "db-0", distroless, resolve("db-1")...); err == nil {
		t.Errorf("nobody asked, and db-1 is %s", address)
	}
	c.annotate(ctx, t, statefulSets, "db", `"statefulset-headless"`)
	var pods []corev1.Pod
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		var err error
		pods, err = c.pods(ctx, appLabel("db"))
		for i := range pods {
			if pods[i].Annotations[api.AnnotationStatus] == "" || !isReady(&pods[i]) {
				return false, pods[i].Name + " is not a new one: " + state(&pods[i])
			}
		}
		return len(pods) == 2, fmt.Sprintf("%d pods%s", len(pods), errorText(err))
	})
	c.eventually(ctx, t, dnsBound, pods[1].Status.PodIP, "db-0", distroless, resolve("db-1")...)
}

func testAnnotatedDaemonSet(ctx context.Context, t *testing.T, c *scene) {
	pods := template("agent", nil, distrolessContainer(hostPortDaemon))
	c.create(ctx, t, &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Name: "agent"},
		Spec:       appsv1.DaemonSetSpec{Selector: &metav1.LabelSelector{MatchLabels: appLabel("agent")}, Template: pods},
	})
	c.ready(ctx, t, "agent", len(c.cluster.Nodes))
	c.annotate(ctx, t, daemonSets, "agent", `"hostnetwork"`)
	for _, agent := range c.onHostNetwork(ctx, t, "agent", len(c.cluster.Nodes), true) {
		if agent.Status.PodIP != agent.Status.HostIP {
			t.Errorf("%s: podIP %s, hostIP %s", agent.Name, agent.Status.PodIP, agent.Status.HostIP)
		}
	}
}

// What runs of a Job stays as it is, and whoever annotates it is told.
func testAnnotatedJob(ctx context.Context, t *testing.T, c *scene) {
	c.create(ctx, t, job("load", shellContainer()))
	before := c.ready(ctx, t, "load", 1)[0]
	said := c.annotate(ctx, t, jobs, "load", `"hostnetwork"`)
	if want := "the pods of this Job stay as they are: delete the Job, and create it anew with the annotation"; !strings.Contains(said, want) {
		t.Errorf("warned %q, want %s", said, want)
	}
	if after := c.ready(ctx, t, "load", 1)[0]; after.UID != before.UID {
		t.Errorf("pod %s became %s", before.Name, after.Name)
	}
}

func testSuspendedJob(ctx context.Context, t *testing.T, c *scene) {
	load := job("load", distrolessContainer(hostPortJob))
	load.Spec.Suspend = new(true)
	c.create(ctx, t, load)
	c.annotate(ctx, t, jobs, "load", `"hostnetwork"`)
	_, err := c.client.BatchV1().Jobs(c.namespace).Patch(ctx, "load", types.MergePatchType, []byte(`{"spec": {"suspend": false}}`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if load := c.onHostNetwork(ctx, t, "load", 1, true)[0]; load.Status.PodIP != load.Status.HostIP {
		t.Errorf("podIP %s, hostIP %s", load.Status.PodIP, load.Status.HostIP)
	}
}

// The Job in between has no annotation of its own.
func testAnnotatedCronJob(ctx context.Context, t *testing.T, c *scene) {
	done := shellContainer()
	done.Command = []string{"true"}
	cron := &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Name: "minutely", Annotations: mode(api.ModeHostNetwork)}}
	cron.Spec.Schedule, cron.Spec.JobTemplate.Spec = "* * * * *", job("minutely", done).Spec
	if _, err := c.client.BatchV1().CronJobs(c.namespace).Create(ctx, cron, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		made, err := c.pods(ctx, appLabel("minutely"))
		if err != nil || len(made) == 0 {
			return false, "the CronJob has made no pod" + c.lastEvent(ctx) + errorText(err)
		}
		if !made[0].Spec.HostNetwork {
			t.Errorf("its pod has annotations %v, and is not on the host network", made[0].Annotations)
		}
		return true, ""
	})
}

// job has one pod, which is not started again.
func job(name string, container corev1.Container) *batchv1.Job {
	pods := template(name, nil, container)
	pods.Spec.RestartPolicy = corev1.RestartPolicyNever
	return &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: batchv1.JobSpec{BackoffLimit: new(int32(0)), Template: pods}}
}

// annotate is kubectl annotate; the mode is JSON, and null removes it. It returns the warnings.
func (s *scene) annotate(ctx context.Context, t *testing.T, resource schema.GroupVersionResource, name, mode string) string {
	t.Helper()
	said := &warnings{}
	config := rest.CopyConfig(s.config)
	config.WarningHandler = said
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	patch := fmt.Sprintf(`{"metadata": {"annotations": {%q: %s}}}`, api.AnnotationMode, mode)
	_, err = client.Resource(resource).Namespace(s.namespace).Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(said.said, "\n")
}

// onHostNetwork waits until all pods of the app are on the host network, or off it, and ready.
func (s *scene) onHostNetwork(ctx context.Context, t *testing.T, app string, count int, want bool) []corev1.Pod {
	t.Helper()
	var pods []corev1.Pod
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		var err error
		pods, err = s.pods(ctx, appLabel(app))
		if err != nil || len(pods) != count {
			return false, fmt.Sprintf("%s has %d pods, not %d%s%s", app, len(pods), count, s.lastEvent(ctx), errorText(err))
		}
		for i := range pods {
			if p := &pods[i]; p.Spec.HostNetwork != want || !isReady(p) {
				return false, fmt.Sprintf("pod %s: hostNetwork %v, want %v; %s", p.Name, p.Spec.HostNetwork, want, state(p))
			}
		}
		return true, ""
	})
	return pods
}
