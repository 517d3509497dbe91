package mode

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// generatedLetters are those that the API server makes suffixes of
// (k8s.io/apimachinery/pkg/util/rand).
const generatedLetters = "bcdfghjklmnpqrstvwxz2456789"

// setOwnHostname gives the pod the hostname that its peers know it by:
//
//	hostname  name  asks for        decision
//	h         any   own, node, ""   h stays
//	h         h     generated       h stays, if it looks generated: reinvocation
//	h         ""    generated       h stays: an Indexed Job's
//	h         else  generated       refused: HostnameNotGenerated
//	""        any   node            the node's name; no DaemonSet's pod: refused
//	""        any   "", for a node  the node's name, on the host network
//	""        n     own, ""         n
//	""        n     generated       refused: HostnameNotGenerated
//	""        ""    own             refused: NoStableHostname
//	""        ""    generated, ""   name and hostname are generated, and equal
func setOwnHostname(c *PodCase) {
	hostname, name, asked := c.Pod.Spec.Hostname, c.Pod.Metadata.Name, c.Intent.Hostname
	switch {
	case asked == api.HostnameGenerated && name != "" && !(name == hostname && looksGenerated(name, c.Pod.Metadata.GenerateName)):
		c.Plan.Refuse(plan.HostnameNotGenerated, annotationPath(api.AnnotationHostname), string(asked), "the pod is named "+plan.Shown(name)+" already")
	case hostname != "":
		keepHostname(c)
	case asked == api.HostnameNode, asked == "" && c.onHost() && c.isForNode():
		setNodeHostname(c)
	case name != "":
		if !refuseNoLabel(c, namePath, name) {
			c.setHostname(name, plan.HostnameSet, "the pod's own name")
		}
	case asked == api.HostnameOwn || c.Pod.Metadata.GenerateName == "":
		c.Plan.Refuse(plan.NoStableHostname, specPath.Child("hostname"), nil, "the pod has neither a hostname nor a name that peers could know")
	default:
		generateName(c)
	}
}

func keepHostname(c *PodCase) {
	hostname := c.Pod.Spec.Hostname
	told := c.hasOwnHostname() && c.Plan.Source == plan.SourceAnnotation
	if !told && refuseNoLabel(c, specPath.Child("hostname"), hostname) {
		return
	}
	c.Plan.Keep(plan.HostnameKept, "spec.hostname", plan.Shown(hostname)+" stays")
	c.eachHostname = namedBy(c.Pod) != "" && c.ofTemplate()
	if w := c.Workload; w != nil && !w.OwnHostnames {
		warnSharedHostname(c) // it is the template's, and so every pod's
	}
}

func (c *PodCase) setHostname(hostname string, reason plan.Reason, what string) {
	c.Plan.Change(plan.Mutation{Pointer: "/spec/hostname", Value: hostname}, reason, "spec.hostname", hostname+", "+what)
}

// generateName names the pod in the API server's place, so that the name is known
// before the pod is made. The name of a collision is refused by the API server, and
// the pod's controller tries again: another request, another name.
func generateName(c *PodCase) {
	name := api.GeneratedBase(c.Pod.Metadata.GenerateName) + suffixOf(c.UID)
	if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
		about, path, value := c.Plan.About(nil), field.NewPath("metadata", "generateName"), c.Pod.Metadata.GenerateName
		if c.Workload != nil {
			about, path, value = c.Plan.About(&plan.Object{Kind: plan.OwnWorkload}), namePath, c.Workload.Name
		}
		about.RefuseError(plan.HostnameInvalid, field.Invalid(path, value, "the names of pods begin with it, and cannot be hostnames: "+problems[0]))
		return
	}
	if c.eachHostname = c.ofTemplate(); c.eachHostname {
		c.Plan.Keep(plan.HostnameGenerated, "spec.hostname", "each pod gets a name like "+name+" when it is made, and the name is its hostname")
		return
	}
	c.Plan.Change(plan.Mutation{Pointer: "/metadata/name", Value: name}, plan.HostnameGenerated, "metadata.name", name)
	c.setHostname(name, plan.HostnameGenerated, "the pod's name")
}

// suffixOf makes of an admission request's uid what the API server takes from a
// random source: a decision has none.
func suffixOf(uid string) string {
	sum := sha256.Sum256([]byte(uid))
	number := binary.BigEndian.Uint64(sum[:])
	suffix := make([]byte, api.GeneratedSuffix)
	for i := range suffix {
		suffix[i] = generatedLetters[number%uint64(len(generatedLetters))]
		number /= uint64(len(generatedLetters))
	}
	return string(suffix)
}

// looksGenerated reports whether the name is one that is made of the generateName.
func looksGenerated(name, generateName string) bool {
	suffix, ok := strings.CutPrefix(name, api.GeneratedBase(generateName))
	return ok && generateName != "" && len(suffix) == api.GeneratedSuffix && strings.Trim(suffix, generatedLetters) == ""
}

// isForNode says that a DaemonSet makes the pod for one node. The pod of its template is
// one for each.
func (c *PodCase) isForNode() bool {
	return c.Pod.Metadata.ControllerKind() == "DaemonSet" && (c.ofTemplate() || c.Pod.Spec.DaemonSetNode() != "")
}

// ofTemplate says that no pod is being made: what differs from pod to pod is not known.
func (c *PodCase) ofTemplate() bool { return c.UID == "" }

// setNodeHostname gives a DaemonSet's pod the name of its node, which stays when the
// pod is made anew.
func setNodeHostname(c *PodCase) {
	asked, node := annotationPath(api.AnnotationHostname), c.Pod.Spec.DaemonSetNode()
	switch {
	case !c.isForNode():
		c.Plan.Refuse(plan.HostnameNoNode, asked, string(api.HostnameNode), "no DaemonSet makes the pod for one node")
		return
	case node == "":
		c.eachHostname = true
		c.Plan.Keep(plan.HostnameOfNode, "spec.hostname", "each pod gets the name of its node when it is made")
		warnNodeShared(c)
		return
	}
	hostname := strings.ReplaceAll(node[:min(len(node), api.MaxText)], ".", "-")
	if problems := validation.IsDNS1123Label(hostname); len(problems) > 0 {
		c.Plan.Refuse(plan.HostnameOfNodeInvalid, asked, string(api.HostnameNode), "the node's name "+plan.Shown(node)+" cannot be one: "+problems[0])
		return
	}
	c.setHostname(hostname, plan.HostnameOfNode, "the name of the pod's node")
}

func refuseNoLabel(c *PodCase, path *field.Path, hostname string) bool {
	problems := validation.IsDNS1123Label(hostname)
	if len(problems) == 0 {
		return false
	}
	c.Plan.Refuse(plan.HostnameInvalid, path, hostname, "cannot be a hostname: "+problems[0])
	return true
}
