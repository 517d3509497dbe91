package workload

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/netmode-io/netmode/pkg/api"
)

// jobSuffix is what the CronJob controller appends to the name of its Jobs, in form
// and length: "-" and the scheduled time in minutes since 1970, which has eight digits
// until the year 2160.
const jobSuffix = "-00000000"

// controllerName is the name, at its longest, of what makes the pods.
func controllerName(kind string, m *api.ObjectMeta) string {
	name := m.Name
	if name == "" && m.GenerateName != "" {
		name = api.GeneratedBase(m.GenerateName) + strings.Repeat("x", api.GeneratedSuffix)
	}
	if kind == "CronJob" {
		name += jobSuffix
	}
	return name
}

// hostnames fills in the longest hostname that the controller gives a pod.
func (s *spec) hostnames(w *Workload, fields string, m *api.ObjectMeta) {
	if !w.OwnHostnames {
		return
	}
	last := int64(0)
	switch {
	case w.Kind == "StatefulSet":
		w.HostnamesField = fields + "replicas"
		w.FirstOrdinal = s.Ordinals.Start
		last = int64(s.Ordinals.Start) + int64(max(w.Replicas, 1)) - 1
	default:
		w.HostnamesField = fields + "completions"
		if s.Completions != nil {
			last = int64(max(*s.Completions, 1)) - 1
		}
	}
	w.LastHostname = controllerName(w.Kind, m) + "-" + strconv.FormatInt(last, 10)
}

// OwnPods says whether names that a pod waits for are those of pods that the StatefulSet
// makes, and whether of others than the first of them; the names are relative to its
// governing Service and namespace.
func (w *Workload) OwnPods(names []string, service, namespace string) (own, later bool) {
	if w.Kind != "StatefulSet" {
		return false, false
	}
	for _, name := range names {
		pod, of, _ := strings.Cut(name, ".")
		if of != "" && of != service && of != service+"."+namespace {
			continue
		}
		ordinal, ok := strings.CutPrefix(pod, w.Name+"-")
		n, err := strconv.ParseInt(ordinal, 10, 32)
		if ok && err == nil && strconv.FormatInt(n, 10) == ordinal {
			own, later = true, later || n > int64(w.FirstOrdinal)
		}
	}
	return own, later
}

// overwrites fills in what the controller overwrites in the pods. A template that
// cannot be read is told of elsewhere.
func (s *spec) overwrites(w *Workload) {
	var template struct {
		Spec struct {
			Hostname  string `json:"hostname"`
			Subdomain string `json:"subdomain"`
		} `json:"spec"`
	}
	if !w.OwnHostnames || json.Unmarshal(s.Template, &template) != nil {
		return
	}
	if own := template.Spec.Hostname; own != "" {
		w.Overwritten = append(w.Overwritten, Overwritten{"spec.hostname", own})
	}
	if own := template.Spec.Subdomain; own != "" && w.Kind == "StatefulSet" && own != s.ServiceName {
		w.Overwritten = append(w.Overwritten, Overwritten{"spec.subdomain", own})
	}
}
