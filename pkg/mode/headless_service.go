package mode

import (
	"fmt"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// headlessServiceRules are the rules that both headless modes have for a
// Service; they differ in what they publish.
func headlessServiceRules(publish func(*ServiceCase)) []ServiceRule {
	return []ServiceRule{
		{"type", refuseServiceType},
		{"cluster IP", setClusterIPNone},
		{"addresses before ready", publish},
		{"ports", warnServicePorts},
		{"session affinity", warnSessionAffinity},
		{"external IPs", warnExternalIPs},
		{"selector", warnNoSelector},
		{"reverse name", warnReverseNames},
	}
}

func refuseServiceType(c *ServiceCase) {
	if spec := &c.Service.Spec; spec.NeverHeadless() {
		c.Plan.Refuse(plan.ServiceTypeHasClusterIP, specPath.Child("type"), spec.Type, "cannot be headless")
	}
}

func setClusterIPNone(c *ServiceCase) {
	spec := &c.Service.Spec
	switch {
	case spec.ClusterIP == api.ClusterIPNone:
	case spec.ClusterIP != "":
		c.Plan.Refuse(plan.ClusterIPExplicit, specPath.Child("clusterIP"), spec.ClusterIP, "a headless Service has none")
	case len(spec.ClusterIPs) > 0 && spec.ClusterIPs[0] != api.ClusterIPNone:
		c.Plan.Refuse(plan.ClusterIPExplicit, specPath.Child("clusterIPs").Index(0), spec.ClusterIPs[0], "a headless Service has none")
	default:
		c.Plan.Change(plan.Mutation{Pointer: "/spec/clusterIP", Value: api.ClusterIPNone}, plan.ClusterIPNoneSet, "spec.clusterIP", api.ClusterIPNone)
	}
}

// publishNotReadyForPeers publishes addresses before pods are ready unless the
// annotation says false: peers need each other to become ready.
func publishNotReadyForPeers(c *ServiceCase) {
	publish := c.Intent.PublishNotReadyAddresses
	setPublishNotReady(c, publish == nil || *publish)
}

// publishNotReadyAsAsked follows the annotation, where there is one.
func publishNotReadyAsAsked(c *ServiceCase) {
	if publish := c.Intent.PublishNotReadyAddresses; publish != nil {
		setPublishNotReady(c, *publish)
	}
}

func setPublishNotReady(c *ServiceCase, publish bool) {
	const member = "spec.publishNotReadyAddresses"
	switch {
	case c.Service.Spec.PublishNotReadyAddresses != publish:
		c.Plan.Change(plan.Mutation{Pointer: "/spec/publishNotReadyAddresses", Value: publish}, plan.PublishNotReadySet, member, fmt.Sprint(publish))
	case !publish:
		c.Plan.Keep(plan.PublishNotReadyKept, member, "stays false, as the annotation says")
	}
}

func warnServicePorts(c *ServiceCase) {
	for i, port := range c.Service.Spec.Ports {
		if target := port.TargetPort.Number; target != 0 && target != port.Port && !c.Plan.Counted(plan.Warned, plan.PortNotTranslated) {
			c.Plan.Warn(plan.PortNotTranslated, specPath.Child("ports").Index(i).Child("targetPort").String(),
				fmt.Sprintf("%d differs from port %d, and a headless Service does not translate ports", target, port.Port))
		}
	}
}

func warnSessionAffinity(c *ServiceCase) {
	if a := c.Service.Spec.SessionAffinity; a != "" && a != "None" {
		c.Plan.Warn(plan.SessionAffinityIgnored, "spec.sessionAffinity", plan.Shown(a)+" does nothing in a headless Service")
	}
}

func warnExternalIPs(c *ServiceCase) {
	if len(c.Service.Spec.ExternalIPs) > 0 {
		c.Plan.Warn(plan.ExternalIPsIgnored, "spec.externalIPs", "they do nothing in a headless Service")
	}
}

func warnNoSelector(c *ServiceCase) {
	if len(c.Service.Spec.Selector) == 0 {
		c.Plan.Warn(plan.ServiceWithoutSelector, "spec.selector", "the Service has none, so no pod gets a name from it")
	}
}
