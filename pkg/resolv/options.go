package resolv

import (
	"slices"
	"strconv"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// GivenOptions are the resolver options that a NetworkModePolicy gives; the zero
// GivenOptions gives none.
type GivenOptions struct {
	// Policy is its name.
	Policy  string
	Options []api.ResolverOption
}

// GiveOptions records those of the policy's options that the pod leaves unset.
func GiveOptions(c *Case) {
	for _, o := range c.optionsToGive() {
		option, told := api.PodDNSConfigOption{Name: string(o.Name)}, string(o.Name)
		if o.Value != "" {
			option.Value = &o.Value
			told += " " + o.Value
		}
		c.Plan.Change(plan.Mutation{Action: plan.AppendLast, Pointer: "/spec/dnsConfig/options", Value: option},
			plan.ResolverOption, "spec.dnsConfig.options", told+", which policy "+c.Options.Policy+" gives")
	}
}

func (c *Case) optionsToGive() []api.ResolverOption {
	var options []api.ResolverOption
	for _, o := range c.Options.Options {
		if !c.sets(o.Name) {
			options = append(options, o)
		}
	}
	return options
}

// sets reports whether the pod itself says what the option says: of the two ways to
// ask one question at a time, it is to have the one that it chose.
func (c *Case) sets(name api.ResolverOptionName) bool {
	if c.Pod.Spec.DNSConfig == nil {
		return false
	}
	ways := []string{string(api.OptionSingleRequest), string(api.OptionSingleRequestReopen)}
	alike := slices.Contains(ways, string(name))
	return slices.ContainsFunc(c.Pod.Spec.DNSConfig.Options, func(has api.PodDNSConfigOption) bool {
		return has.Name == string(name) || alike && slices.Contains(ways, has.Name)
	})
}

// lacksNdots reports whether neither the pod nor a policy says how many dots a name
// needs.
func (c *Case) lacksNdots() bool {
	return !c.sets(api.OptionNdots) && !slices.ContainsFunc(c.Options.Options, func(o api.ResolverOption) bool { return o.Name == api.OptionNdots })
}

// The numbers of ndots: what the kubelet writes, what resolvers take where nothing is
// written, and the most that they take.
const (
	kubeletNdots  = 5
	resolverNdots = 1
	mostNdots     = 15
)

// Ndots is how many dots a name needs in the pod not to be searched first; known is
// false where the node says it, or the pod in no number.
func Ndots(pod *api.Pod) (ndots int, known bool) {
	spec := &pod.Spec
	if spec.DNSConfig != nil {
		for _, o := range slices.Backward(spec.DNSConfig.Options) {
			if o.Name != string(api.OptionNdots) {
				continue
			}
			if o.Value == nil || *o.Value == "" {
				return resolverNdots, true
			}
			n, err := strconv.Atoi(*o.Value)
			return min(n, mostNdots), err == nil && n >= 0
		}
	}
	switch {
	case spec.DNSPolicy == api.DNSNone:
		return resolverNdots, true
	case spec.DNSPolicy == api.DNSDefault, spec.HostNetwork && spec.DNSPolicy != api.DNSClusterFirstWithHostNet:
		return 0, false
	default:
		return kubeletNdots, true
	}
}
