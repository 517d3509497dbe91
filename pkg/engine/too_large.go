package engine

import (
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// tooLarge finds what an object has too much of. The zero tooLarge found
// nothing.
type tooLarge struct {
	path *field.Path
	what string
}

// count looks at how many items or members there are at a path, which is told
// below the root.
func (t *tooLarge) count(n, most int, what string, root *field.Path, path ...string) {
	if n > most && t.path == nil {
		for _, name := range path {
			root = root.Child(name)
		}
		t.path, t.what = root, strconv.Itoa(most)+" "+what
	}
}

// refuse records what was found. The number is not told: what comes after one
// too many is not decoded.
func (t *tooLarge) refuse(p *plan.Plan, reason plan.Reason) bool {
	if t.path == nil {
		return false
	}
	p.Rule("size")
	p.Refuse(reason, t.path, "more than "+t.what, "netmode looks at no more")
	return true
}

// refusePodTooLarge refuses a pod that has more than the rules look at. Their
// work is short for all others, so that none of them needs to be called off.
func refusePodTooLarge(p *plan.Plan, pod *api.Pod) bool {
	var t tooLarge
	t.metadata(&pod.Metadata)
	spec := &pod.Spec
	t.count(len(spec.Containers), api.MaxContainers, "containers", specPath, "containers")
	t.count(len(spec.InitContainers), api.MaxInitContainers, "init containers", specPath, "initContainers")
	t.count(ports(spec.Containers)+ports(spec.InitContainers), api.MaxPorts, "ports in all", specPath, "containers[*]", "ports")
	t.count(len(spec.NodeSelector), api.MaxItems, "labels", specPath, "nodeSelector")
	t.count(len(spec.ImagePullSecrets), api.MaxItems, "Secrets", specPath, "imagePullSecrets")
	t.count(len(spec.Affinity.RequiredTerms()), api.MaxItems, "terms", specPath,
		"affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
	if s := spec.SecurityContext; s != nil {
		t.count(len(s.Sysctls), api.MaxItems, "sysctls", specPath, "securityContext", "sysctls")
	}
	if dns := spec.DNSConfig; dns != nil {
		t.count(len(dns.Nameservers), api.MaxItems, "nameservers", specPath, "dnsConfig", "nameservers")
		t.count(len(dns.Searches), api.MaxSearches, "search domains", specPath, "dnsConfig", "searches")
		t.count(len(dns.Options), api.MaxItems, "options", specPath, "dnsConfig", "options")
	}
	for i := range spec.Containers {
		t.hook(i, spec.Containers[i].Lifecycle)
	}
	return t.refuse(p, plan.PodTooLarge)
}

// hook looks at the one command that is also written. Of those of containers
// only the first few words are read.
func (t *tooLarge) hook(i int, l *api.Lifecycle) {
	if l == nil || l.PostStart == nil || l.PostStart.Exec == nil || t.path != nil {
		return
	}
	container := fmt.Sprintf("containers[%d]", i)
	command := l.PostStart.Exec.Command
	t.count(len(command), api.MaxItems, "words", specPath, container, "lifecycle", "postStart", "exec", "command")
	for _, word := range command {
		t.count(len(word), api.MaxText, "bytes", specPath, container, "lifecycle", "postStart", "exec", "command[*]")
	}
}

func ports(containers []api.Container) int {
	n := 0
	for i := range containers {
		n += len(containers[i].Ports)
	}
	return n
}

func (t *tooLarge) metadata(meta *api.ObjectMeta) {
	path := field.NewPath("metadata")
	own := 0
	for key := range meta.Annotations {
		if api.IsOwn(key) {
			own++
		}
	}
	t.count(own, api.MaxItems, "annotations of netmode", path, "annotations")
	t.count(len(meta.Labels), api.MaxItems, "labels", path, "labels")
	t.count(len(meta.OwnerReferences), api.MaxItems, "owners", path, "ownerReferences")
}

// refuseServiceTooLarge is refusePodTooLarge for Services. In mode default there is
// no work.
func refuseServiceTooLarge(p *plan.Plan, service *api.Service) bool {
	if p.Mode == api.ModeDefault {
		return false
	}
	var t tooLarge
	t.metadata(&service.Metadata)
	spec := &service.Spec
	t.count(len(spec.Ports), api.MaxItems, "ports", specPath, "ports")
	t.count(len(spec.Selector), api.MaxItems, "labels", specPath, "selector")
	t.count(len(spec.ClusterIPs), api.MaxItems, "addresses", specPath, "clusterIPs")
	t.count(len(spec.ExternalIPs), api.MaxItems, "addresses", specPath, "externalIPs")
	return t.refuse(p, plan.ServiceTooLarge)
}
