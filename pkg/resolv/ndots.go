package resolv

import (
	"slices"
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// warnNdots warns of a pod's own ndots with which a short name, one without a dot, is not
// searched first:
//
//	ndots          musl                     glibc, Go
//	0              it is not searched       it is asked for as it is, then searched
//	1 to 15        it is searched           it is searched
//	16 and more    counts as 15             counts as 15
//	no value       counts as 1              counts as 1
//	anything else  counts as 1, most often  counts as 0, most often
//
// The kubelet hands on any text, and the last option of several.
func (c *Case) warnNdots() {
	dns := c.Pod.Spec.DNSConfig
	if dns == nil {
		return
	}
	for i, option := range slices.Backward(dns.Options) {
		if option.Name == "ndots" {
			c.warnNdotsOf(option, i)
			return
		}
	}
}

func (c *Case) warnNdotsOf(option api.PodDNSConfigOption, index int) {
	if option.Value == nil || *option.Value == "" {
		return
	}
	value, detail := *option.Value, ""
	switch {
	case strings.Trim(value, "0123456789") != "":
		detail = " is no number, and each resolver makes something else of it"
	case strings.Trim(value, "0") == "":
		detail = " keeps images with musl (Alpine) from searching peers' short names, and has others ask for them as they are first"
	default:
		return
	}
	c.Plan.Warn(plan.SearchNdots, specPath.Child("dnsConfig", "options").Index(index).Child("value").String(), `"`+plan.Shown(value)+`"`+detail)
}
