package mode

import (
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// envVar is what is written of a corev1.EnvVar.
type envVar struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// setHostnameEnv tells the containers of a pod on the host network its hostname, which
// hostname(1) does not. The variable comes first, so that the others may use it:
//
//	the container has    and the pod           decision
//	none of the name     has its hostname      the variable comes first
//	none of the name     is of a template      each pod gets it, as it is made
//	that literal         has its hostname      it stays, wherever it is
//	another, or another  any                   it stays: HostnameEnvKept
//	source
//
// netmode's own init containers have no use for it, and are added by later rules.
func setHostnameEnv(c *PodCase) {
	var writes []plan.Mutation
	hostname, lacking := c.hostname(), false
	if c.eachHostname {
		hostname = ""
	}
	look := func(list string, containers []api.Container) {
		for i := range containers {
			switch there, other := hostnameIn(containers[i].Env, hostname); {
			case containers[i].Name == resolv.InitContainerName, containers[i].Name == waitContainer:
			case other:
				c.warnHostnameEnv(list, i)
			case there:
			case hostname == "":
				lacking = true
			default:
				writes = append(writes, plan.Mutation{
					Action: plan.InsertFirst, Pointer: plan.Pointer("spec", list, i, "env"), Value: envVar{api.EnvHostname, hostname},
				})
			}
		}
	}
	look("initContainers", c.Pod.Spec.InitContainers)
	look("containers", c.Pod.Spec.Containers)
	const field = "spec.containers"
	switch {
	case len(writes) > 0:
		c.Plan.ChangeAll(writes, plan.HostnameEnvSet, field, api.EnvHostname+", "+hostname+", comes first in env")
	case lacking && c.eachHostname:
		c.Plan.Keep(plan.HostnameEnvSet, field, "each pod gets its hostname as "+api.EnvHostname+" when it is made")
	}
}

// hostnameIn looks for the variable: another is one that is not this literal.
func hostnameIn(env []api.EnvVar, hostname string) (there, other bool) {
	for i := range env {
		if env[i].Name == api.EnvHostname {
			there = true
			other = other || hostname == "" || string(env[i].Value) != hostname
		}
	}
	return there, other
}

func (c *PodCase) warnHostnameEnv(list string, i int) {
	if c.Plan.Counted(plan.Warned, plan.HostnameEnvKept) {
		return
	}
	c.Plan.Warn(plan.HostnameEnvKept, specPath.Child(list).Index(i).Child("env").Key(api.EnvHostname).String(), "it stays as its author wrote it")
}
