package mode

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// waitContainer is the name of the init container that holds a start back.
const waitContainer = "netmode-wait"

// waitUser is nobody: the container reads resolv.conf and asks DNS.
const waitUser = 65534

// holdStart adds the init container in which a pod waits until what it asks for
// resolves. It stands first; a search rewrite that is added later goes before it.
func holdStart(c *PodCase) {
	wait := &c.Intent.Wait
	switch {
	case !wait.Asked():
		if c.Intent.WaitTimeout != 0 {
			c.Plan.Warn(plan.AnnotationUnused, annotationPath(api.AnnotationWaitTimeout).String(), "it does nothing without "+api.AnnotationWait)
		}
		return
	case c.Plan.Service == "":
		return // refused, or warned of, already
	}
	command, ok := c.waitCommand()
	if !ok || c.Workload == nil && c.keepsWaiting(command) || refuseEndless(c) {
		return
	}
	warnWait(c)
	switch {
	case wait.All:
		c.Plan.Keep(plan.WaitAllCounted, "spec.initContainers", "each Job counts its completions when it is created")
	case wait.Self && (c.Workload != nil || c.hostname() == ""):
		c.Plan.Keep(plan.WaitEachItself, "spec.initContainers", "each pod gets "+waitContainer+" when it is made, with its own name")
	case c.keepsWaiting(command) || c.refuseTakenName("initContainers", c.Pod.Spec.InitContainers) || c.refuseTakenName("containers", c.Pod.Spec.Containers):
	case c.Search.InitContainer.Image == "":
		c.Plan.Refuse(plan.InitContainerImage, annotationPath(api.AnnotationWait), c.waitAsked(), "netmode has no image for its init container")
	default:
		c.Search.InitContainer.Add(c.Plan, c.Pod, resolv.OwnContainer{
			Name: waitContainer, Command: command, OfOnePod: wait.Self,
			User:   resolv.SecurityContext{RunAsUser: waitUser, RunAsNonRoot: true, ReadOnlyRootFilesystem: true},
			Reason: plan.WaitAdded, Text: waitContainer + " waits up to " + command[3] + " for " + waitText(command[4:]),
		})
	}
}

// waitCommand is what the init container runs: /netmode wait --timeout T, and then
// names, or --addresses N and the Service's name.
func (c *PodCase) waitCommand() (command []string, ok bool) {
	wait, timeout := &c.Intent.Wait, cmp.Or(c.Intent.WaitTimeout, api.DefaultWait)
	command = []string{"/netmode", "wait", "--timeout", shortDuration(timeout)}
	if wait.Addresses > 0 {
		return append(command, "--addresses", strconv.Itoa(wait.Addresses), c.absolute(c.Plan.Service, c.Namespace)), true
	}
	names := slices.Clone(wait.Names)
	if wait.Self {
		names = append([]string{c.hostname()}, names...)
	}
	for _, name := range names {
		full := c.absoluteName(name)
		if len(full) > validation.DNS1123SubdomainMaxLength {
			c.Plan.RefuseError(plan.AnnotationInvalid, field.Invalid(annotationPath(api.AnnotationWait), name,
				fmt.Sprintf("%s has more than %d characters", plan.Shown(full), validation.DNS1123SubdomainMaxLength)))
			return nil, false
		}
		if !slices.Contains(command[4:], full) {
			command = append(command, full)
		}
	}
	return command, true
}

// waitText says what the arguments wait for.
func waitText(arguments []string) string {
	if len(arguments) == 3 && arguments[0] == "--addresses" {
		return arguments[1] + " addresses of " + arguments[2]
	}
	return plan.List(arguments, ", ")
}

// absoluteName is a name of the annotation with its domain: pod, pod.service or
// pod.service.namespace, or one that is absolute.
func (c *PodCase) absoluteName(name string) string {
	if absolute, ok := strings.CutSuffix(name, "."); ok {
		return absolute
	}
	parts := strings.Split(name, ".")
	service, namespace := c.Plan.Service, c.Namespace
	if len(parts) > 1 {
		service = parts[1]
	}
	if len(parts) > 2 {
		namespace = parts[2]
	}
	return parts[0] + "." + c.absolute(service, namespace)
}

func (c *PodCase) absolute(service, namespace string) string {
	return service + "." + namespace + ".svc." + c.Search.ClusterDomain(c.Plan)
}

// hostname is what the pod has, or what the plan gives it.
func (c *PodCase) hostname() string {
	for _, m := range c.Plan.Mutations {
		if given, ok := m.Value.(string); ok && m.Pointer == "/spec/hostname" {
			return given
		}
	}
	return c.Pod.Spec.Hostname
}

// keepsWaiting reports whether the pod has the init container already. The cluster's
// domain may have become another one since it was added.
func (c *PodCase) keepsWaiting(command []string) bool {
	domain := "." + c.Search.Facts.DomainOrAssumed()
	same := func(has, wanted string) bool {
		name, relative := strings.CutSuffix(wanted, ".svc"+domain)
		return has == wanted || relative && strings.HasPrefix(has, name+".svc.")
	}
	i := slices.IndexFunc(c.Pod.Spec.InitContainers, func(own api.Container) bool {
		return own.Name == waitContainer && slices.EqualFunc(own.Command, command, same)
	})
	if i >= 0 {
		c.Plan.Keep(plan.WaitInPlace, specPath.Child("initContainers").Index(i).String(), waitContainer+" is there already")
		refuseCapturedDNS(c, i)
	}
	return i >= 0
}

// refuseTakenName refuses another container of the init container's name.
func (c *PodCase) refuseTakenName(list string, containers []api.Container) bool {
	i := slices.IndexFunc(containers, func(other api.Container) bool { return other.Name == waitContainer })
	if i >= 0 {
		c.Plan.Refuse(plan.InitContainerName, specPath.Child(list).Index(i).Child("name"), waitContainer, "the name belongs to netmode's init container")
	}
	return i >= 0
}

// shortDuration writes 5m for 5m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	for _, unit := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, unit) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// waitAsked is the annotation's value, for a message.
func (c *PodCase) waitAsked() string { return c.Pod.Metadata.Annotations[api.AnnotationWait] }
