package workload_test

import (
	"fmt"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/workload"
)

// The first pod that a StatefulSet's controller would make.
func ExampleParse() {
	template, err := workload.Parse("apps/v1", "StatefulSet", []byte(`{
		"metadata": {"name": "db"},
		"spec": {"replicas": 3, "serviceName": "peers", "template": {"spec": {"containers": [{"name": "db"}]}}}
	}`), "default")
	if err != nil {
		fmt.Println(err)
		return
	}
	pod, err := template.FirstPod()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(template.Workload.Kind, template.Workload.Replicas)
	fmt.Println(pod.Metadata.Name, pod.Spec.Hostname, pod.Spec.Subdomain)
	// Output:
	// StatefulSet 3
	// db-0 db-0 peers
}

// What an author writes on a workload comes to its pod template, but for what
// the template's author wrote there.
func ExampleCopy() {
	deployment := &workload.Workload{Kind: "Deployment", Name: "db"}
	metadata := &api.ObjectMeta{Annotations: map[string]string{"netmode.io/mode": "headless", "netmode.io/service": "db"}}
	annotations, steps := workload.Copy(deployment, metadata, nil, map[string]string{"netmode.io/service": "db-old"})
	for _, key := range []string{"netmode.io/mode", "netmode.io/service", "netmode.io/copied"} {
		fmt.Println(key, annotations[key])
	}
	for _, s := range steps {
		fmt.Println(s.Key, "copied:", s.Outcome == workload.Copied)
	}
	// Output:
	// netmode.io/mode headless
	// netmode.io/service db-old
	// netmode.io/copied netmode.io/mode
	// netmode.io/mode copied: true
	// netmode.io/service copied: false
}
