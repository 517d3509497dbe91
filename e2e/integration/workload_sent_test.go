package integration

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// sentWorkloads is how many workloads the API server has sent to netmode.
func (w *world) sentWorkloads(t *testing.T) float64 {
	t.Helper()
	text, err := w.admin.RESTClient().Get().AbsPath("/metrics").Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	count, err := sum(string(text), "apiserver_admission_webhook_request_total", `name="workloads.mutate.netmode.io"`)
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// TestWorkloadsAreSentWhereTheyCouldChange: netmode is asked about a workload that asks only where it
// could have something to do, so that scaling, and the end of a finalizer, need no netmode. Calls are
// counted, so it runs alone.
func TestWorkloadsAreSentWhereTheyCouldChange(t *testing.T) {
	const (
		containers = "containers: [{name: c, image: i}]"
		ofApps     = "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {" + containers + "}}"
		ofJobs     = "template: {spec: {restartPolicy: Never, " + containers + "}}"
		asks       = "metadata: {name: web, finalizers: [example.com/hold], annotations: {netmode.io/mode: default}}"
	)
	ns := shared.namespace(t, nil)
	apps, batch := shared.admin.AppsV1().RESTClient(), shared.admin.BatchV1().RESTClient()
	sent := func(t *testing.T, want float64, request *rest.Request) {
		t.Helper()
		before := shared.sentWorkloads(t)
		if err := request.Do(t.Context()).Error(); err != nil {
			t.Fatal(err)
		}
		if got := shared.sentWorkloads(t) - before; got != want {
			t.Errorf("sent %g times, want %g", got, want)
		}
	}
	for _, tt := range []struct {
		resource, manifest string
		client             rest.Interface
		changes            map[string]float64 // merge patches, and how often they are sent
	}{
		{"deployments", "{" + asks + ", spec: {" + ofApps + "}}", apps, map[string]float64{
			`{"spec": {"replicas": 3}}`:                                                   0,
			`{"spec": {"paused": true}}`:                                                  0,
			`{"metadata": {"labels": {"x": "y"}}}`:                                        1,
			`{"metadata": {"annotations": {"x": "y"}}}`:                                   1,
			`{"spec": {"template": {"metadata": {"annotations": {"x": "y"}}}}}`:           1,
			`{"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 3}}}}`:      1,
			`{"metadata": {"finalizers": ["example.com/hold", "example.com/hold-more"]}}`: 0,
		}},
		{"jobs", "{" + asks + ", spec: {suspend: true, " + ofJobs + "}}", batch, map[string]float64{
			`{"spec": {"parallelism": 2}}`: 0,
			`{"spec": {"suspend": false}}`: 1,
		}},
		{"cronjobs", "{" + asks + ", spec: {schedule: '* * * * *', jobTemplate: {spec: {" + ofJobs + "}}}}", batch, map[string]float64{
			`{"spec": {"schedule": "1 * * * *"}}`:                             0,
			`{"spec": {"jobTemplate": {"metadata": {"labels": {"x": "y"}}}}}`: 1,
		}},
	} {
		t.Run(tt.resource, func(t *testing.T) {
			merge := func(patch string) *rest.Request {
				return tt.client.Patch(types.MergePatchType).Namespace(ns).Resource(tt.resource).Name("web").Body([]byte(patch))
			}
			sent(t, 1, tt.client.Post().Namespace(ns).Resource(tt.resource).SetHeader("Content-Type", "application/json").Body(toJSON(t, tt.manifest)))
			for patch, want := range tt.changes {
				t.Run(patch, func(t *testing.T) { sent(t, want, merge(patch)) })
			}
			t.Run("while it is deleted", func(t *testing.T) {
				background := metav1.DeletePropagationBackground
				sent(t, 0, tt.client.Delete().Namespace(ns).Resource(tt.resource).Name("web").Body(&metav1.DeleteOptions{PropagationPolicy: &background}))
				sent(t, 0, merge(`{"metadata": {"labels": {"being": "deleted"}}}`))
				sent(t, 0, merge(`{"metadata": {"finalizers": null}}`))
				wantGone(t, func(ctx context.Context) error {
					return tt.client.Get().Namespace(ns).Resource(tt.resource).Name("web").Do(ctx).Error()
				})
			})
		})
	}
}
