package resolv

import (
	_ "embed" // the hook's script
	"fmt"
	"slices"
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// postStartName is the $0 of the hook's script, and the mark by which netmode
// knows its own hook.
const postStartName = "netmode-post-start"

//go:embed post_start.sh
var postStartScript string

// postStart rewrites the pod's resolv.conf from postStart hooks, which need a
// shell, root and a writable file, and race the container's own start. An exec
// hook that is there already runs after the rewrite, and its exit code counts.
func postStart() Strategy {
	return Strategy{
		Name:    api.SearchPostStart,
		Summary: "a hook rewrites resolv.conf as a container starts",
		Place:   "first, but it races the program",
		Needs:   "`/bin/sh`, root, a writable file",
		Promise: Promise{
			Variable: "byPostStart",
			Found: "variables.small && object.spec.containers.exists(container, " +
				"container.?lifecycle.?postStart.?exec.?command[?3].orValue('') == '" + postStartName + "' && " +
				"container.?lifecycle.?postStart.?exec.?command[?4].orValue('').startsWith(variables.domain))",
			Holds: "variables.first || variables.byPostStart",
		},
		inPlace: func(c *Case) bool {
			return c.first(api.SearchPostStart) || slices.ContainsFunc(c.Pod.Spec.Containers, c.isHooked)
		},
		obstacles: func(c *Case) []obstacle {
			if len(suitable(c)) > 0 {
				return nil
			}
			keepUnsuitable(c)
			return []obstacle{{reason: plan.PostStartImpossible,
				detail: "no container can run the hook: it needs root, a writable root filesystem, and a postStart that is free or exec"}}
		},
		apply: func(c *Case) {
			keepUnsuitable(c)
			domains, hooked := c.domains(), suitable(c)
			for _, i := range hooked {
				c.Plan.Change(plan.Mutation{
					Pointer: plan.Pointer("spec", "containers", i, "lifecycle", "postStart", "exec", "command"),
					Value:   hookCommand(domains, &c.Pod.Spec.Containers[i]),
				}, plan.SearchByPostStart, specPath.Child("containers").Index(i).Child("lifecycle", "postStart").String(), "puts "+domains.String()+" in resolv.conf")
			}
			warnMusl(c, domains.in(c.kubeletSearches(addExtra(c, c.Pod.Searches()))))
			c.Plan.Warn(plan.PostStartNeedsShell, "spec.containers", fmt.Sprintf("%d postStart hooks were added", len(hooked)))
		},
	}
}

// suitable are the containers that can run the hook, by index.
func suitable(c *Case) []int {
	var indexes []int
	for i := range c.Pod.Spec.Containers {
		if unsuitable(c.Pod.Spec.SecurityContext, &c.Pod.Spec.Containers[i]) == "" {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

// keepUnsuitable records the others.
func keepUnsuitable(c *Case) {
	for i := range c.Pod.Spec.Containers {
		if why := unsuitable(c.Pod.Spec.SecurityContext, &c.Pod.Spec.Containers[i]); why != "" && !c.Plan.Counted(plan.Kept, plan.PostStartSkipped) {
			c.Plan.Keep(plan.PostStartSkipped, specPath.Child("containers").Index(i).String(), "no postStart hook: "+why)
		}
	}
}

func hookCommand(domains Domains, container *api.Container) []string {
	command := []string{"/bin/sh", "-c", postStartScript, postStartName, strings.Join(domains.Words(), " ")}
	if l := container.Lifecycle; l != nil && l.PostStart != nil && l.PostStart.Exec != nil {
		own := l.PostStart.Exec.Command
		if isHook(own) {
			own = own[5:] // netmode's own, for another cluster
		}
		command = append(command, own...)
	}
	return command
}

func (c *Case) isHooked(container api.Container) bool {
	l := container.Lifecycle
	if l == nil || l.PostStart == nil || l.PostStart.Exec == nil {
		return false
	}
	command := l.PostStart.Exec.Command
	// More words are no hook of netmode's: that they are one is enough.
	return isHook(command) && c.inWords(strings.SplitN(command[4], " ", maxSearches), api.SearchPostStart)
}

// isHook reports whether hookCommand wrote the command, for whatever domain.
func isHook(command []string) bool { return len(command) >= 5 && command[3] == postStartName }

// unsuitable says why a container cannot run the hook, or "". A container's
// own securityContext goes before the pod's (corev1.SecurityContext).
func unsuitable(pod *api.PodSecurityContext, container *api.Container) string {
	var user *int64
	var nonRoot *bool
	if pod != nil {
		user, nonRoot = pod.RunAsUser, pod.RunAsNonRoot
	}
	if own := container.SecurityContext; own != nil {
		if own.ReadOnlyRootFilesystem != nil && *own.ReadOnlyRootFilesystem {
			return "its root filesystem is read-only"
		}
		if own.RunAsUser != nil {
			user = own.RunAsUser
		}
		if own.RunAsNonRoot != nil {
			nonRoot = own.RunAsNonRoot
		}
	}
	switch {
	case user != nil && *user != 0:
		return fmt.Sprintf("it runs as user %d", *user)
	case nonRoot != nil && *nonRoot:
		return "it must not run as root"
	}
	if l := container.Lifecycle; l != nil && l.PostStart != nil {
		// Without exec it is of a kind that a newer Kubernetes may have added.
		if h := l.PostStart; h.Exec == nil || h.HTTPGet != nil || h.TCPSocket != nil || h.Sleep != nil {
			return "it has a postStart hook that is not exec"
		}
	}
	return ""
}
